using Feast.Core;
using FeatureStore.Registry.Snapshot;
using Google.Protobuf;

namespace FeatureStore.Registry.Files;

/// <summary>Tells what a change of a feature view, stream view or precomputed service costs the stores; other objects cost nothing.</summary>
internal static class ViewCosts
{
    // A ttl, a description or an owner changes no stored byte.
    private static readonly string[] OfTheRows = ["spec.features", "spec.entities", "spec.entity_columns", "spec.batch_source"];

    public static ChangeCosts OfNew(IMessage added)
    {
        var (online, aggregated) = Facts(added);
        return (aggregated ? ChangeCosts.Compute : ChangeCosts.None) | (online ? ChangeCosts.Materialize : ChangeCosts.None);
    }

    // What was materialized once lies there still, online or not.
    public static ChangeCosts OfRemoved(IMessage removed) => removed switch
    {
        FeatureView { Meta.MaterializationIntervals.Count: > 0 } or StreamFeatureView { Meta.MaterializationIntervals.Count: > 0 } => ChangeCosts.DropOnlineRows,
        _ => Facts(removed).Online ? ChangeCosts.DropOnlineRows : ChangeCosts.None,
    };

    public static ChangeCosts OfChanged(IMessage before, IMessage after, IReadOnlyList<FieldChange> fields)
    {
        if (before is FeatureService)
        {
            return Facts(before).Online && !Facts(after).Online ? ChangeCosts.DropOnlineRows
                : Facts(after).Online && fields.Any(f => f.Field.StartsWith("spec.features", StringComparison.Ordinal) || f.Field == "spec.precompute_online") ? ChangeCosts.Materialize
                : ChangeCosts.None;
        }

        var (online, aggregated) = Facts(after);
        var computes = aggregated && fields.Any(f => f.Field == $"spec.tags.{AggregatedJson.Tag}");
        var rows = online && (computes || !Facts(before).Online || fields.Any(IsOfTheRows));
        return (computes ? ChangeCosts.Compute : ChangeCosts.None) | (rows ? ChangeCosts.Materialize : ChangeCosts.None);
    }

    // A feature that only goes leaves the others as they are.
    private static bool IsOfTheRows(FieldChange change) =>
        OfTheRows.Any(p => change.Field == p || change.Field.StartsWith($"{p}.", StringComparison.Ordinal))
        && !change.Field.EndsWith(".description", StringComparison.Ordinal)
        && !change.Field.StartsWith("spec.batch_source.meta", StringComparison.Ordinal)
        && (change.After is not null || !change.Field.StartsWith("spec.features.", StringComparison.Ordinal));

    private static (bool Online, bool Aggregated) Facts(IMessage message) => message switch
    {
        FeatureView { Spec: { } spec } => (spec.Online, spec.Tags.ContainsKey(AggregatedJson.Tag)),
        StreamFeatureView { Spec: { } spec } => (spec.Online, false),
        FeatureService { Spec: { } spec } => (spec.PrecomputeOnline, false),
        _ => (false, false),
    };
}
