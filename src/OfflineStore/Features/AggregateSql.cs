using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.OfflineStore.Features;

/// <summary>One aggregation over the rows of a group, as SQL whose answer has the same bits for any order, split or thread count.</summary>
/// <param name="source">The column it reads; null counts rows.</param>
/// <param name="output">Type of the answer.</param>
internal sealed class AggregateSql(FeatureViewModel view, AggregationModel aggregation, LakeColumn? source, LakeType output)
{
    public string Term => $"CAST({Result} AS {LakeSql.Type(output)})";

    private string Column => source is null ? "k" : LakeSql.Name(source.Name);

    private string Result => aggregation.Function switch
    {
        "count" => $"count({Column})",
        "count_distinct" => $"count(DISTINCT {Column})",
        "sum" => Total,
        "mean" => Plain($"CASE WHEN count({Column}) = 0 THEN NULL ELSE CAST({Total} AS DOUBLE) / count({Column}) END"),
        "min" => Bound("min"),
        "max" => Bound("max"),
        _ => throw new DeltaException(
            $"Aggregation {aggregation.Name} of view {view.Name} asks for {aggregation.Function}; take count, sum, mean, min, max or count_distinct."),
    };

    // Floating sums depend on their order: the amounts are added one after the other in ascending order, which list_sum does
    // and sum does not. Integers add exactly in any order.
    private string Total => source?.Type is LakeType.Int64 or LakeType.Int32
        ? $"coalesce(sum({Column}), 0)"
        : $"coalesce({Plain($"list_sum(list(CAST({Column} AS DOUBLE) ORDER BY {Column}) FILTER ({Column} IS NOT NULL))")}, 0.0)";

    private string Bound(string function) => source?.Type == LakeType.Double ? Plain($"{function}({Column})") : $"{function}({Column})";

    // Of the equal values -0.0 and 0.0, and of the many NaNs, any could come first; + 0.0 makes -0.0 plain.
    private static string Plain(string number) => $"(CASE WHEN isnan({number}) THEN CAST('nan' AS DOUBLE) ELSE {number} + 0.0 END)";
}
