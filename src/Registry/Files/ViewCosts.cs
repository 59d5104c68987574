using Feast.Core;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.Registry.Files;

/// <summary>Tells what a change of a feature view costs the stores.</summary>
internal static class ViewCosts
{
    // A ttl, a description or an owner changes no stored byte.
    private static readonly string[] OfTheRows = ["spec.features", "spec.entities", "spec.entity_columns", "spec.batch_source"];

    public static ChangeCosts OfNew(FeatureView view) =>
        (IsAggregated(view) ? ChangeCosts.Compute : ChangeCosts.None) | (view.Spec.Online ? ChangeCosts.Materialize : ChangeCosts.None);

    public static ChangeCosts OfRemoved(FeatureView view) => view.Spec.Online ? ChangeCosts.DropOnlineRows : ChangeCosts.None;

    public static ChangeCosts OfChanged(FeatureView before, FeatureView after, IReadOnlyList<FieldChange> fields)
    {
        var computes = fields.Any(f => f.Field == $"spec.tags.{AggregatedJson.Tag}") && IsAggregated(after);
        var rows = computes || (after.Spec.Online && !before.Spec.Online) || fields.Any(IsOfTheRows);
        return (computes ? ChangeCosts.Compute : ChangeCosts.None) | (rows && after.Spec.Online ? ChangeCosts.Materialize : ChangeCosts.None);
    }

    // A feature that only goes leaves the others as they are.
    private static bool IsOfTheRows(FieldChange change) =>
        OfTheRows.Any(p => change.Field == p || change.Field.StartsWith($"{p}.", StringComparison.Ordinal))
        && !change.Field.EndsWith(".description", StringComparison.Ordinal)
        && !change.Field.StartsWith("spec.batch_source.meta", StringComparison.Ordinal)
        && (change.After is not null || !change.Field.StartsWith("spec.features.", StringComparison.Ordinal));

    private static bool IsAggregated(FeatureView view) => view.Spec.Tags.ContainsKey(AggregatedJson.Tag);
}
