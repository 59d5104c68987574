using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>
/// Compiles a <see cref="JoinPlan"/> for DuckDB. The two times of a row, when it happened and when it was known, become one: the time at which it
/// is the best known row of its entity. What is left is one ASOF join a view, of narrow rows.
/// </summary>
/// <param name="prefix">Of the tables made, so that two plans can be compared.</param>
internal sealed class DuckDbJoin(JoinPlan plan, string prefix = "")
{
    private string After => LakeSql.Number(plan.AvailableAfterMicros);

    private string Order => plan.FirstOfTies ? "event_time, known_time NULLS FIRST, position DESC" : "event_time, known_time NULLS FIRST, position";

    /// <summary>When a row begins to count.</summary>
    private string From => plan.KnownTime == KnownTime.Event
        ? "event_time"
        : $"greatest(event_time, coalesce(known_time, event_time) + {After})";

    /// <summary>Name of a view's table of answers: from <c>since</c> on the best row is <c>sid</c>, or none.</summary>
    public string Best(ViewJoin view) => $"{prefix}best{view.Index}";

    /// <summary>Makes a view's table of answers, from the codes in <paramref name="codes"/> or from all.</summary>
    public string MakeBest(ViewJoin view, string? codes = null)
    {
        var history = $"(FROM history{view.Index}{(codes is null ? string.Empty : $" SEMI JOIN {codes} USING (code)")})";
        return $"CREATE OR REPLACE TEMP TABLE {Best(view)} AS {(view.HasEnds && plan.KnownTime == KnownTime.Commit ? Ending(history) : Lasting(history, view.HasEnds))}";
    }

    /// <summary>A SELECT of <c>rid</c> and, for each view, <c>sid0, sid1, …</c>, for labels numbered from one to before another.</summary>
    public string Match(long fromRid, long toRid, string? codes = null)
    {
        var sids = plan.Views.Select(v => $"{Fresh(v)} AS sid{v.Index}");
        var joins = plan.Views.Select(v => $"ASOF LEFT JOIN {Best(v)} b{v.Index} ON p.code{v.KeyGroup} = b{v.Index}.code AND p.t >= b{v.Index}.since");
        return $"""
            SELECT {string.Join(", ", sids.Prepend("p.rid"))}
            FROM (FROM point WHERE rid >= {LakeSql.Number(fromRid)} AND rid < {LakeSql.Number(toRid)}{(codes is null ? string.Empty : $" AND ({codes})")}) p
            {string.Join("\n", joins)}
            """;
    }

    private static string Fresh(ViewJoin view) => view.TtlMicros is { } ttl
        ? $"CASE WHEN b{view.Index}.event_time >= p.t - {LakeSql.Number(ttl)} THEN b{view.Index}.sid END"
        : $"b{view.Index}.sid";

    // A row that is worse than one known before it is never the answer; of those that begin to count together the best is.
    private string Lasting(string history, bool hasEnds) => $"""
        WITH ranked AS (
            SELECT code, sid, event_time, {From} AS since, row_number() OVER (PARTITION BY code ORDER BY {Order}) AS rank
            FROM {history}{(hasEnds ? $" WHERE ends = {LakeSql.Number(JoinPlan.Never)}" : string.Empty)}),
        spread AS (
            SELECT *, max(rank) OVER w AS best, lead(since) OVER w AS next FROM ranked
            WINDOW w AS (PARTITION BY code ORDER BY since, rank ROWS UNBOUNDED PRECEDING))
        SELECT code, since, sid, event_time FROM spread WHERE rank = best AND since IS DISTINCT FROM next
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
