using FeatureStore.Registry.Definitions;
using FeatureStore.Registry.Expressions;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Registry.Validation;

/// <summary>Rules for on-demand views: each source is there, and each expression is one over their features and the request's fields.</summary>
internal static class OnDemandRules
{
    public static void Check(
        OnDemandViewDefinition view,
        IReadOnlyDictionary<string, FeatureViewDefinition> views,
        IReadOnlyDictionary<string, EntityDefinition> entities,
        IReadOnlyList<RequestSourceDefinition> requests,
        FaultList faults)
    {
        foreach (var twice in view.Sources.GroupBy(s => s.NameToUse).SelectMany(g => g.Skip(1)))
        {
            faults.Add(twice.Place, $"{view.Header.Block.What} has the source '{twice.NameToUse}' twice; join the two, or give one another name by 'with_name'.");
        }

        var inputs = new List<ExpressionInput>();
        var allFound = true;
        foreach (var source in view.Sources)
        {
            var found = Source(view, source, views, entities, requests, faults);
            allFound &= found is not null;
            inputs.AddRange(found ?? []);
        }

        foreach (var twice in view.Features.GroupBy(f => f.Field.Name).SelectMany(g => g.Skip(1)))
        {
            faults.Add(twice.Field.Place, $"{view.Header.Block.What} has a second feature '{twice.Field.Name}'; rename or remove one.");
        }

        // An expression over inputs that are in doubt would only repeat the fault.
        foreach (var feature in allFound ? view.Features : [])
        {
            CheckExpression(view, feature, inputs, faults);
        }
    }

    private static void CheckExpression(OnDemandViewDefinition view, ExpressionDefinition feature, List<ExpressionInput> inputs, FaultList faults)
    {
        if (feature.Text.Length == 0 || feature.Field.Type == Kind.Invalid)
        {
            return;
        }

        try
        {
            ExpressionText.Compile(feature.Text, feature.Field.Type, inputs);
        }
        catch (ExpressionException e)
        {
            faults.Add(feature.Place, $"{view.Header.Block.What}, feature '{feature.Field.Name}', column {e.Column} of its expression: {e.Message}.");
        }
    }

    /// <summary>The inputs of a source; null, with a fault, where it cannot be found.</summary>
    private static List<ExpressionInput>? Source(
        OnDemandViewDefinition view,
        ServiceItem source,
        IReadOnlyDictionary<string, FeatureViewDefinition> views,
        IReadOnlyDictionary<string, EntityDefinition> entities,
        IReadOnlyList<RequestSourceDefinition> requests,
        FaultList faults)
    {
        if (requests.FirstOrDefault(r => r.Header.Name == source.View) is { } request && !views.ContainsKey(source.View))
        {
            if (source is not { Features: null, Alias: null, JoinKeyMap.Count: 0, VersionTag: null })
            {
                faults.Add(source.Place, $"'{source.View}' is a request source, which {view.Header.Block.What} takes whole; write its name alone.");
            }

            return [.. request.Schema.Select(f => new ExpressionInput(null, new FieldModel(f.Name, f.Type)))];
        }

        if (!views.TryGetValue(source.View, out var named) || named.Header.Name != source.View)
        {
            faults.Add(source.Place, $"There is no feature view and no request source '{source.View}'; {NameChoice.Of(views.Values.Select(v => v.Header.Name).Concat(requests.Select(r => r.Header.Name)))}");
            return null;
        }

        if (source.VersionTag is not null)
        {
            faults.Add(source.Place, $"{view.Header.Block.What} asks for a version of view '{source.View}', and reads the active one; write '{source.View}' alone.");
        }

        ServiceRules.CheckFeatures(source, named, entities, faults);
        var keys = named.Entities.Select(e => entities.GetValueOrDefault(e.Text)?.JoinKey).ToHashSet();
        return
        [
            .. named.Schema.Where(f => !keys.Contains(f.Name) && (source.Features is null || source.Features.Any(t => t.Text == f.Name)))
                .Select(f => new ExpressionInput(source.NameToUse, new FieldModel(f.Name, f.Type))),
        ];
    }
}
