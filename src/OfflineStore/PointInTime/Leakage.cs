using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>What a join on event time alone changes in one view.</summary>
/// <param name="View">The view, or its alias.</param>
/// <param name="Labels">Labels for which a value differs.</param>
/// <param name="Values">Values that differ.</param>
public sealed record ViewLeakage(string View, long Labels, long Values);

/// <summary>How the values by known time differ from those by event time alone, whichever of them the data set holds.</summary>
public sealed record LeakageReport(long Labels, long Values, IReadOnlyList<ViewLeakage> Views);

/// <summary>
/// Counts the labels and values that the other known time would give differently. Only entities with a row that was known after its event time, or
/// that ended, are joined a second time.
/// </summary>
internal sealed class Leakage(DuckDbConnection connection, JoinPlan plan, IReadOnlyList<SelectedView> views)
{
    private readonly long[] _labels = new long[views.Count];
    private readonly long[] _values = new long[views.Count];
    private readonly JoinPlan _other = plan with { KnownTime = plan.KnownTime == KnownTime.Commit ? KnownTime.Event : KnownTime.Commit };
    private readonly HashSet<int> _late = [];

    /// <summary>Finds the entities to look at in a view's history, and their other answers.</summary>
    public void Prepare(ViewJoin view, CancellationToken cancellationToken)
    {
        connection.Execute(
            $"""
            CREATE OR REPLACE TEMP TABLE late{view.Index} AS SELECT DISTINCT code FROM history{view.Index}
            WHERE coalesce(known_time, event_time) + {LakeSql.Number(plan.AvailableAfterMicros)} > event_time OR ends < {LakeSql.Number(JoinPlan.Never)}
            """,
            cancellationToken);
        if (connection.Number($"SELECT count(*) FROM late{view.Index}", cancellationToken) > 0)
        {
            _late.Add(view.Index);
            connection.Execute(new DuckDbJoin(_other, "other_").MakeBest(view, $"late{view.Index}"), cancellationToken);
        }
    }

    /// <summary>Makes the table of labels that leak, over all views.</summary>
    public void Begin(CancellationToken cancellationToken) => connection.Execute("CREATE OR REPLACE TEMP TABLE leaked (rid BIGINT)", cancellationToken);

    /// <summary>Counts for labels that were matched.</summary>
    public void Count(ViewJoin view, SourceRows source, long fromRid, long toRid, CancellationToken cancellationToken)
    {
        if (!_late.Contains(view.Index))
        {
            return;
        }

        var i = view.Index;
        var match = new DuckDbJoin(_other with { Views = [view] }, "other_").Match(fromRid, toRid, $"code{view.KeyGroup} IN (SELECT code FROM late{i})");
        var features = string.Concat(source.Features.Select((f, n) => $", {f} AS f{n}"));
        Add(
            i,
            $"""
            SELECT c.rid, {Differences(source.Features.Count, "a", "b")} AS differences
            FROM (SELECT m.rid, m.sid{i} AS sid, o.sid{i} AS other FROM matched m JOIN ({match}) o USING (rid) WHERE m.sid{i} IS DISTINCT FROM o.sid{i}) c
            LEFT JOIN (SELECT sid{features} FROM {source.From}) a ON a.sid = c.sid
            LEFT JOIN (SELECT sid{features} FROM {source.From}) b ON b.sid = c.other
            """,
            cancellationToken);
    }

    /// <summary>Counts for labels whose windows were answered both ways.</summary>
    public void CountWindows(int index, CancellationToken cancellationToken) => Add(
        index,
        $"""
        SELECT d.rid, {Differences(views[index].Features.Count, "a", "b")} AS differences
        FROM {LabelWindows.Differing} d LEFT JOIN window{index} a USING (rid) LEFT JOIN otherwise b USING (rid)
        """,
        cancellationToken);

    public LeakageReport Report(CancellationToken cancellationToken) => new(
        connection.Number("SELECT count(DISTINCT rid) FROM leaked", cancellationToken),
        _values.Sum(),
        [.. views.Select((v, i) => new ViewLeakage(v.Name, _labels[i], _values[i]))]);

    private void Add(int index, string differences, CancellationToken cancellationToken)
    {
        connection.Execute($"CREATE OR REPLACE TEMP TABLE difference AS SELECT * FROM ({differences}) WHERE differences > 0; INSERT INTO leaked SELECT rid FROM difference", cancellationToken);
        _labels[index] += connection.Number("SELECT count(*) FROM difference", cancellationToken);
        _values[index] += connection.Number("SELECT CAST(sum(differences) AS BIGINT) FROM difference", cancellationToken);
    }

    private static string Differences(int features, string a, string b) =>
        string.Join(" + ", Enumerable.Range(0, features).Select(f => $"CAST({a}.f{f} IS DISTINCT FROM {b}.f{f} AS BIGINT)"));
}
