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
/// Counts the labels and values that the other known time would give differently. Where no row ends, the answer by event time is another one
/// exactly when a better row had happened and was not known yet; the join says for which labels, and only these are asked again. Else entities with
/// a row that was known after its event time, or that ended, have two answers at each moment, and both come out of the one join. Views are prepared and
/// counted at once, each on a connection.
/// </summary>
internal sealed class Leakage(JoinPlan plan, IReadOnlyList<SelectedView> views)
{
    private readonly long[] _labels = new long[views.Count];
    private readonly long[] _values = new long[views.Count];
    private readonly JoinPlan _other = plan with { KnownTime = plan.KnownTime == KnownTime.Commit ? KnownTime.Event : KnownTime.Commit };
    private readonly HashSet<int> _late = [];
    private readonly HashSet<int> _doubted = [];
    private readonly Lock _gate = new();

    /// <summary>Views whose tables of answers hold both.</summary>
    public IReadOnlySet<int> Late => _late;

    /// <summary>Views whose labels are asked again where a better row had happened.</summary>
    public IReadOnlySet<int> Doubted => _doubted;

    /// <summary>The table of a doubted view's other answers.</summary>
    public static string Other(ViewJoin view) => $"other{view.Index}";

    /// <summary>Makes the table of labels that leak, over all views.</summary>
    public static void Begin(DuckDbConnection connection, CancellationToken cancellationToken) => connection.Execute("CREATE OR REPLACE TABLE leaked (rid BIGINT)", cancellationToken);

    /// <summary>Takes a view whose held answers tell where a better row had happened, and whose other answers are held too.</summary>
    public void Doubt(int view) => Note(_doubted, view);

    /// <summary>Adds the other answer to a view's table of answers, if it may differ.</summary>
    public void Prepare(DuckDbConnection connection, ViewJoin view, string best, CancellationToken cancellationToken)
    {
        connection.Execute(
            $"""
            CREATE OR REPLACE TEMP TABLE late AS SELECT DISTINCT code FROM history{view.Index}
            WHERE coalesce(known_time, event_time) + {LakeSql.Number(plan.AvailableAfterMicros)} > event_time OR ends < {LakeSql.Number(JoinPlan.Never)}{(plan.FirstOfTies ? " OR known_time IS NULL" : string.Empty)}
            """,
            cancellationToken);
        if (connection.Number("SELECT count(*) FROM late", cancellationToken) == 0)
        {
            return;
        }

        if (plan is { KnownTime: KnownTime.Commit, FirstOfTies: false } && !view.HasEnds)
        {
            Doubt(connection, view, best, cancellationToken);
            return;
        }

        Note(_late, view.Index);
        connection.Execute(
            $"""
            CREATE OR REPLACE TEMP TABLE late_answer AS FROM {best} SEMI JOIN late USING (code);
            CREATE OR REPLACE TEMP TABLE other_answer AS {new DuckDbJoin(_other).Best(view, "late")};
            CREATE OR REPLACE TABLE {best} AS
            SELECT code, since, sid, event_time, sid AS other_sid, event_time AS other_time FROM {best} ANTI JOIN late USING (code)
            UNION ALL
            SELECT m.code, m.since, a.sid, a.event_time, o.sid, o.event_time
            FROM (SELECT code, since FROM late_answer UNION SELECT code, since FROM other_answer) m
                ASOF LEFT JOIN late_answer a ON m.code = a.code AND m.since >= a.since
                ASOF LEFT JOIN other_answer o ON m.code = o.code AND m.since >= o.since;
            DROP TABLE late_answer;
            DROP TABLE other_answer
            """,
            cancellationToken);
    }

    // Before an entity's first row was known there is no answer that could tell of it.
    private void Doubt(DuckDbConnection connection, ViewJoin view, string best, CancellationToken cancellationToken)
    {
        Doubt(view.Index);
        connection.Execute(
            $"""
            INSERT INTO {best} (code, since, next_event)
            SELECT code, min(event_time), min(event_time) FROM history{view.Index} SEMI JOIN late USING (code)
            GROUP BY code HAVING min(event_time) < min(greatest(event_time, coalesce(known_time, event_time) + {LakeSql.Number(plan.AvailableAfterMicros)}));
            CREATE OR REPLACE TABLE {Other(view)} AS {new DuckDbJoin(_other).Best(view, "late")}
            """,
            cancellationToken);
    }

    /// <summary>Counts for labels that were matched.</summary>
    public void Count(DuckDbConnection connection, ViewJoin view, MatchedLabels matched, HeldViews held, CancellationToken cancellationToken)
    {
        var i = view.Index;
        if (_late.Contains(i) || _doubted.Contains(i))
        {
            var isJoined = !held.HoldsAll(i);
            Add(
                connection,
                i,
                _late.Contains(i) ? matched.Differing(view) : DuckDbJoin.Differing(view, matched.Doubted(view), held.HasOther(i) ? null : Other(view)),
                isJoined ? $"JOIN row{i} a ON a.sid = d.sid JOIN row{i} b ON b.sid = d.other" : string.Empty,
                f => held.Holds(i, f) ? (held.Cell(i, f, "d.sid"), held.Cell(i, f, "d.other")) : ($"a.f{f}", $"b.f{f}"),
                cancellationToken);
        }
    }

    /// <summary>Counts for labels whose windows were answered both ways.</summary>
    public void CountWindows(DuckDbConnection connection, int index, CancellationToken cancellationToken) => Add(
        connection,
        index,
        $"SELECT rid FROM {LabelWindows.Differing}",
        $"LEFT JOIN window{index} a USING (rid) LEFT JOIN otherwise b USING (rid)",
        f => ($"a.f{f}", $"b.f{f}"),
        cancellationToken);

    public LeakageReport Report(DuckDbConnection connection, CancellationToken cancellationToken) => new(
        connection.Number("SELECT count(DISTINCT rid) FROM leaked", cancellationToken),
        _values.Sum(),
        [.. views.Select((v, i) => new ViewLeakage(v.Name, _labels[i], _values[i]))]);

    private void Note(HashSet<int> views, int view)
    {
        lock (_gate)
        {
            views.Add(view);
        }
    }

    private void Add(
        DuckDbConnection connection, int index, string suspects, string answers, Func<int, (string This, string Other)> feature, CancellationToken cancellationToken)
    {
        var differences = string.Join(" + ", views[index].Features.Select((_, f) => feature(f)).Select(f => $"CAST({f.This} IS DISTINCT FROM {f.Other} AS BIGINT)"));
        connection.Execute(
            $"""
            CREATE OR REPLACE TEMP TABLE suspect AS {suspects};
            CREATE OR REPLACE TEMP TABLE difference AS SELECT * FROM (SELECT d.rid, {differences} AS differences FROM suspect d {answers}) WHERE differences > 0;
            INSERT INTO leaked SELECT rid FROM difference
            """,
            cancellationToken);
        _labels[index] += connection.Number("SELECT count(*) FROM difference", cancellationToken);
        _values[index] += connection.Number("SELECT CAST(sum(differences) AS BIGINT) FROM difference", cancellationToken);
    }
}
