using Feast.Core;
using FeatureStore.Registry.Snapshot;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Files;

/// <summary>
/// Objects that no definition can say (on-demand views of Python, streams other than pushes, transformed stream views), and the names
/// that they rely on, so that neither is removed.
/// </summary>
internal sealed class KeptReferences
{
    private readonly HashSet<string> _sources = [];
    private readonly HashSet<string> _entities = [];

    public KeptReferences(RegistryProto registry, string project)
    {
        foreach (var source in registry.DataSources.Where(s => s.Project == project && !CanSay(s)))
        {
            Keep(source);
        }

        foreach (var spec in registry.StreamFeatureViews.Where(v => v.Spec?.Project == project && !CanSay(v)).Select(v => v.Spec))
        {
            Keep(spec.BatchSource);
            Keep(spec.StreamSource);
            _entities.UnionWith(spec.Entities);
        }

        foreach (var spec in registry.OnDemandFeatureViews.Where(v => v.Spec?.Project == project && !CanSay(v)).Select(v => v.Spec))
        {
            _entities.UnionWith(spec.Entities);
            foreach (var source in spec.Sources.Values)
            {
                Keep(source.RequestDataSource);
            }
        }
    }

    public IReadOnlySet<string> Sources => _sources;

    public IReadOnlySet<string> Entities => _entities;

    public static bool CanSay(DataSource source) =>
        source.Type is DataSource.Types.SourceType.BatchFile or DataSource.Types.SourceType.PushSource or DataSource.Types.SourceType.RequestSource;

    public static bool CanSay(StreamFeatureView view) =>
        view.Spec is { Aggregations.Count: 0, FeatureTransformation: null, StreamSource.Type: DataSource.Types.SourceType.PushSource };

    public static bool CanSay(OnDemandFeatureView view) => view.Spec.Tags.ContainsKey(ExpressionsJson.Tag);

    private void Keep(DataSource? source)
    {
        while (source is not null)
        {
            _sources.Add(source.Name);
            source = source.BatchSource;
        }
    }
}
