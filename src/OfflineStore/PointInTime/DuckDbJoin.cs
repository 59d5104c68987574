using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>
/// Compiles a <see cref="JoinPlan"/> for DuckDB. The two times of a row, when it happened and when it was known, become one: the time at which it
/// is the best known row of its entity. What is left is one ASOF join a view, of narrow rows.
/// </summary>
internal sealed class DuckDbJoin(JoinPlan plan)
{
    /// <summary>The <c>sid</c> that stands for no row.</summary>
    public const string None = "CAST(-1 AS BIGINT)";

    private string After => LakeSql.Number(plan.AvailableAfterMicros);

    private string Known => plan.KnownTime == KnownTime.Event && plan.FirstOfTies ? "known_time" : "coalesce(known_time, event_time)";

    private string Order => $"event_time, {Known} NULLS FIRST, position{(plan.FirstOfTies ? " DESC" : string.Empty)}";

    /// <summary>When a row begins to count.</summary>
    private string From => plan.KnownTime == KnownTime.Event ? "event_time" : $"greatest(event_time, {Known} + {After})";

    /// <summary>
    /// A SELECT of a view's answers over time: from <c>since</c> on the best row is <c>sid</c>, or none; of the codes in a table, or of all. Where no row
    /// ends, <c>next_event</c> tells when the next better row happened, known or not.
    /// </summary>
    public string Best(ViewJoin view, string? codes = null)
    {
        var history = $"(FROM history{view.Index}{(codes is null ? string.Empty : $" SEMI JOIN {codes} USING (code)")})";
        return view.HasEnds && plan.KnownTime == KnownTime.Commit ? Ending(history) : Lasting(history, view.HasEnds);
    }

    /// <summary>A SELECT of <c>rid</c> and, for each view, <c>sid0, sid1, …</c> or <see cref="None"/>, for labels numbered from one to before another.</summary>
    /// <param name="best">A table of a view's answers, as <see cref="Best"/> selects them.</param>
    /// <param name="held">Numbers of the views whose answers are held, so that they are looked up and not joined.</param>
    /// <param name="others">Numbers of the views whose tables hold a second answer, <c>other_sid</c> and <c>other_time</c>; it becomes <c>other0, other1, …</c>.</param>
    /// <param name="doubted">Numbers of the views for which <c>doubt0, doubt1, …</c> shall say whether a better row had happened by then.</param>
    public string Match(Func<ViewJoin, string> best, IReadOnlySet<int> held, IReadOnlySet<int> others, IReadOnlySet<int> doubted, long fromRid, long toRid)
    {
        var codes = plan.Views.Select(v => $"code{v.KeyGroup}").Distinct().ToList();
        var answer = $"SELECT {string.Join(", ", codes.Prepend("t").Prepend("rid"))} FROM point WHERE rid >= {LakeSql.Number(fromRid)} AND rid < {LakeSql.Number(toRid)}";
        foreach (var view in plan.Views)
        {
            var (i, isHeld) = (view.Index, held.Contains(view.Index));
            Func<string, string> cell = isHeld ? column => $"{HeldViews.Answer(i, column)}(p.place)" : column => $"b.{column}";
            var other = others.Contains(i) ? $", {Fresh(view, cell("other_sid"), cell("other_time"))} AS other{i}"
                : doubted.Contains(i) ? $", coalesce(p.t >= {cell("next_event")}, false) AS doubt{i}"
                : string.Empty;

            // Each join sorts what it is given, so an answer is brought to its number before the next.
            var (known, from) = isHeld
                ? ("p.* EXCLUDE (place)", $"(SELECT *, {HeldViews.Find(i)}(code{view.KeyGroup}, t) AS place FROM ({answer})) p")
                : ("p.*", $"({answer}) p ASOF LEFT JOIN {best(view)} b ON p.code{view.KeyGroup} = b.code AND p.t >= b.since");
            answer = $"SELECT {known}, {Fresh(view, cell("sid"), cell("event_time"))} AS sid{i}{other} FROM {from}";
        }

        return $"SELECT * EXCLUDE ({string.Join(", ", codes.Prepend("t"))}) FROM ({answer})";
    }

    /// <summary>A SELECT of <c>rid</c>, <c>sid</c> and the answer <c>other</c> for labels that have an answer, where the two differ.</summary>
    /// <param name="answered">A SELECT of <c>rid</c>, <c>sid</c>, <c>t</c> and <c>code</c>.</param>
    /// <param name="best">A table of the view's answers by this plan; null if they are held as its other ones.</param>
    public static string Differing(ViewJoin view, string answered, string? best)
    {
        Func<string, string> cell = best is null ? column => $"{HeldViews.OtherAnswer(view.Index, column)}(p.place)" : column => $"b.{column}";
        var from = best is null
            ? $"(SELECT *, {HeldViews.FindOther(view.Index)}(code, t) AS place FROM ({answered})) p"
            : $"({answered}) p ASOF LEFT JOIN {best} b ON p.code = b.code AND p.t >= b.since";
        return $"SELECT rid, sid, other FROM (SELECT p.rid, p.sid, {Fresh(view, cell("sid"), cell("event_time"))} AS other FROM {from}) WHERE sid <> other";
    }

    private static string Fresh(ViewJoin view, string sid, string time) => view.TtlMicros is { } ttl
        ? $"CASE WHEN {time} >= p.t - {LakeSql.Number(ttl)} THEN coalesce({sid}, {None}) ELSE {None} END"
        : $"coalesce({sid}, {None})";

    // A row is the answer from when it begins to count until a better one does. Of two rows that happened together the later known begins later, or
    // with it, so one order tells which are better: a row counts if it begins before all of those. The next to happen is told too.
    private string Lasting(string history, bool hasEnds) => $"""
        WITH spread AS (
            SELECT code, sid, event_time, {From} AS since, lead(event_time) OVER w AS next_event,
                min({From}) OVER (PARTITION BY code ORDER BY {Order} ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS until
            FROM {history}{(hasEnds ? $" WHERE ends = {LakeSql.Number(JoinPlan.Never)}" : string.Empty)}
            WINDOW w AS (PARTITION BY code ORDER BY {Order}))
        SELECT code, since, sid, event_time, next_event FROM spread WHERE until IS NULL OR since < until
        """;

    // Where rows end, the answer can change at each beginning and each end. Rows that never end need not be looked at anew at each of these
    // moments: among them the best so far is enough.
    private string Ending(string history) => $"""
        WITH ranked AS (
            SELECT code, sid, event_time, {From} AS since, CASE WHEN ends = {LakeSql.Number(JoinPlan.Never)} THEN ends ELSE ends + {After} END AS ends,
                row_number() OVER (PARTITION BY code ORDER BY {Order}) AS rank
            FROM {history}),
        lived AS MATERIALIZED (SELECT * FROM ranked WHERE since < ends),
        moment AS MATERIALIZED (
            SELECT code, since AS moment FROM lived
            UNION SELECT code, ends FROM lived WHERE ends < {LakeSql.Number(JoinPlan.Never)}),
        best AS (
            SELECT code, moment, max(max(rank)) OVER (PARTITION BY code ORDER BY moment ROWS UNBOUNDED PRECEDING) AS rank
            FROM (
                SELECT code, moment, NULL::BIGINT AS rank FROM moment
                UNION ALL SELECT code, since, rank FROM lived WHERE ends = {LakeSql.Number(JoinPlan.Never)})
            GROUP BY code, moment),
        passing AS (
            SELECT m.code, m.moment, max(r.rank) AS rank
            FROM moment m JOIN lived r ON r.code = m.code AND r.since <= m.moment AND r.ends > m.moment AND r.ends < {LakeSql.Number(JoinPlan.Never)}
            GROUP BY ALL)
        SELECT b.code, b.moment AS since, r.sid, r.event_time
        FROM best b LEFT JOIN passing p ON p.code = b.code AND p.moment = b.moment
            LEFT JOIN lived r ON r.code = b.code AND r.rank = greatest(b.rank, p.rank)
        """;
}
