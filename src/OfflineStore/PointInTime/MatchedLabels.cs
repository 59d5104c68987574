using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>
/// The rows that a part of the labels see, held by the label's number and asked by functions of it: so the labels are read in their order, and neither
/// joined nor sorted.
/// </summary>
internal sealed class MatchedLabels(DuckDbConnection connection)
{
    private const string RowId = "rowid";
    private HeldValues? _values;
    private long _from;
    private long _to;

    /// <summary>Matches labels numbered from one to before another, in place of those before.</summary>
    /// <param name="leakage">Which views have a second answer, or doubts.</param>
    public void Match(JoinPlan plan, Func<ViewJoin, string> best, HeldViews held, Leakage leakage, long fromRid, long toRid, CancellationToken cancellationToken)
    {
        (_from, _to) = (fromRid, toRid);
        string[] columns =
        [
            .. plan.Views.Select(v => $"sid{v.Index}"),
            .. plan.Views.Where(v => leakage.Late.Contains(v.Index)).Select(v => $"other{v.Index}"),
            .. plan.Views.Where(v => leakage.Doubted.Contains(v.Index)).Select(v => $"doubt{v.Index}"),
        ];
        if (columns.Length == 0)
        {
            return;
        }

        var sql = $"SELECT rid - {LakeSql.Number(fromRid)}, {string.Join(", ", columns)} FROM ({new DuckDbJoin(plan).Match(best, held.Numbers, leakage.Late, leakage.Doubted, fromRid, toRid)})";
        var rows = checked((int)(toRid - fromRid));
        if (_values is null)
        {
            _values = connection.OfferValues(sql, [.. columns.Select(Function)], rows, cancellationToken);
        }
        else
        {
            _values.Fill(sql, rows, cancellationToken);
        }
    }

    /// <summary>Bytes that a label takes: for each view a position, a second one or a doubt, and marks of nulls.</summary>
    public static long Width(JoinPlan plan, Leakage leakage)
    {
        var bytes = ((plan.Views.Count + leakage.Late.Count) * (sizeof(long) + 1)) + (leakage.Doubted.Count * (sizeof(bool) + 1));
        return (bytes + sizeof(long) - 1) / sizeof(long) * sizeof(long);
    }

    /// <summary>A SELECT of the labels of the part, in their order, with their number <c>rid</c> and the views' <c>sid0, sid1, …</c>.</summary>
    public string Rows(JoinPlan plan) =>
        $"SELECT *, {RowId} AS rid{string.Concat(plan.Views.Select(v => $", {Cell($"sid{v.Index}", RowId)} AS sid{v.Index}"))} FROM {LabelTable.Name} WHERE {InPart(RowId)}";

    /// <summary>A SELECT of <c>rid</c>, <c>sid</c> and <c>other</c>, for a view with a second answer, where the two differ.</summary>
    public string Differing(ViewJoin view) => $"""
        SELECT * FROM (SELECT {RowId} AS rid, {Cell($"sid{view.Index}", RowId)} AS sid, {Cell($"other{view.Index}", RowId)} AS other FROM {LabelTable.Name} WHERE {InPart(RowId)})
        WHERE sid <> other
        """;

    /// <summary>A SELECT of <c>rid</c>, <c>sid</c>, <c>t</c> and <c>code</c> for labels for which a better row had happened.</summary>
    public string Doubted(ViewJoin view) =>
        $"SELECT rid, {Cell($"sid{view.Index}", "rid")} AS sid, t, code{view.KeyGroup} AS code FROM point WHERE {InPart("rid")} AND {Cell($"doubt{view.Index}", "rid")}";

    private string InPart(string rid) => $"{rid} >= {LakeSql.Number(_from)} AND {rid} < {LakeSql.Number(_to)}";

    private string Cell(string column, string rid) => $"{Function(column)}({rid} - {LakeSql.Number(_from)})";

    private static string Function(string column) => $"label_{column}";
}
