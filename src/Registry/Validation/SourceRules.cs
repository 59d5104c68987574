using FeatureStore.Registry.Definitions;

namespace FeatureStore.Registry.Validation;

/// <summary>Rules for sources: one name for one source of whatever kind, push sources over batch sources, stream views over push sources.</summary>
internal static class SourceRules
{
    /// <summary>The table behind each name that a view may give as its source; a push source stands for its batch source.</summary>
    public static Dictionary<string, SourceDefinition> ByName(RepoDefinitions definitions)
    {
        var byName = new Dictionary<string, SourceDefinition>();
        foreach (var source in definitions.Sources)
        {
            byName.TryAdd(source.Header.Name, source);
        }

        foreach (var push in definitions.PushSources)
        {
            if (definitions.Sources.FirstOrDefault(s => s.Header.Name == push.BatchSource) is { } batch)
            {
                byName.TryAdd(push.Header.Name, batch);
            }
        }

        return byName;
    }

    public static Header[] Headers(RepoDefinitions definitions) =>
    [
        .. definitions.Sources.Select(s => s.Header),
        .. definitions.PushSources.Select(s => s.Header),
        .. definitions.RequestSources.Select(s => s.Header),
    ];

    public static void Check(RepoDefinitions definitions, FaultList faults)
    {
        foreach (var push in definitions.PushSources.Where(p => p.BatchSource.Length > 0 && definitions.Sources.All(s => s.Header.Name != p.BatchSource)))
        {
            push.Header.Block.Fault("batch_source", $"There is no source '{push.BatchSource}'; {NameChoice.Of(definitions.Sources.Select(s => s.Header.Name))}");
        }

        foreach (var stream in definitions.StreamFeatureViews.Select(s => s.View))
        {
            if (stream.Source.Length > 0 && definitions.PushSources.All(p => p.Header.Name != stream.Source))
            {
                stream.Header.Block.Fault(
                    "source", $"{stream.Header.Block.What} needs a push source, and '{stream.Source}' is none; {NameChoice.Of(definitions.PushSources.Select(p => p.Header.Name))}");
            }
        }

        foreach (var request in definitions.RequestSources)
        {
            foreach (var twice in request.Schema.GroupBy(f => f.Name).SelectMany(g => g.Skip(1)))
            {
                faults.Add(twice.Place, $"{request.Header.Block.What} has a second field '{twice.Name}'; rename or remove one.");
            }
        }
    }
}
