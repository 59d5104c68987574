using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Features;

/// <summary>
/// Finds the (entity, feature time) pairs whose rows some new changes may have altered: those of every user and time that any event of a changed row ever
/// had. It may find more, which costs time, but never fewer.
/// </summary>
/// <param name="keys">The join keys, quoted.</param>
/// <param name="rowTime">The row's own time, microseconds since the epoch.</param>
internal sealed class TouchedSql(IReadOnlyList<string> keys, string rowTime, long windowMicros, bool emptyWindowZero)
{
    private string Keys => string.Join(", ", keys);

    /// <summary>Makes the table <c>touched_key</c>: changed source rows, and those that a key change ties to them, with a common <c>life</c>.</summary>
    /// <param name="added">The new changes.</param>
    /// <param name="scan">All changes.</param>
    public static string ChangedRows(string added, ChangeScan scan, bool keysChange) => keysChange
        ? $"""
            CREATE OR REPLACE TEMP TABLE touched_key AS
            WITH RECURSIVE every AS (SELECT __source, __key, __lsn, __part, __op FROM {scan.Changes} UNION ALL SELECT __source, __key, __lsn, __part, __op FROM {scan.Inserts}),
            link AS (
                SELECT o.__source, o.__key AS a, n.__key AS b
                FROM (FROM every WHERE __op = 'd' AND __part = 0) o JOIN (FROM every WHERE __op = 'c' AND __part = 1) n USING (__source, __lsn)),
            tie AS (SELECT __source, a, b FROM link UNION SELECT __source, b, a FROM link),
            reach AS (
                SELECT DISTINCT __source, __key, __key AS life FROM {added} WHERE __op <> 't'
                UNION
                SELECT r.__source, t.b, r.life FROM reach r JOIN tie t ON t.__source = r.__source AND t.a = r.__key)
            SELECT __source, __key, life FROM reach
            """
        : $"CREATE OR REPLACE TEMP TABLE touched_key AS SELECT DISTINCT __source, __key, __key AS life FROM {added} WHERE __op <> 't'";

    /// <summary>
    /// Makes the table <c>touched</c> of join keys and <c>t</c>. A value that an event did not carry may have come from any event of the row's life, so
    /// each user of the life goes with each of its times.
    /// </summary>
    /// <param name="single">Rows that stand by themselves, whose key nothing else has.</param>
    public string Pairs(ChangeScan scan, string single, IReadOnlyList<long> times)
    {
        var columns = keys.Select((k, i) => $"(SELECT DISTINCT __source, life, {k} FROM event WHERE {k} IS NOT NULL) k{i}");
        var history = emptyWindowZero ? "NOT coalesce(s.since <= week.t, false)" : "false";
        return $"""
            CREATE OR REPLACE TEMP TABLE touched AS
            WITH event AS (
                SELECT __source, life, {Keys}, {rowTime} AS row_time
                FROM (SELECT * FROM {scan.Changes} WHERE __op <> 'd' AND __op <> 't' UNION ALL BY NAME SELECT * FROM {scan.Inserts}) JOIN touched_key USING (__source, __key)),
            moved AS (
                SELECT DISTINCT {Keys}, row_time
                FROM {string.Join(" JOIN ", columns.Append("(SELECT DISTINCT __source, life, row_time FROM event WHERE row_time IS NOT NULL) m").Select((c, i) => i == 0 ? c : $"{c} USING (__source, life)"))}),
            settled_else AS (
                SELECT {Keys}, min(greatest({rowTime} + 1, epoch_us(__commit_time))) AS since
                FROM {single} SEMI JOIN moved USING ({Keys}) ANTI JOIN touched_key USING (__source, __key)
                GROUP BY {Keys}),
            week AS (SELECT unnest([{string.Join(", ", times.Select(LakeSql.Number))}]) AS t)
            SELECT DISTINCT {string.Join(", ", keys.Select(k => "m." + k))}, week.t
            FROM moved m JOIN week ON m.row_time < week.t LEFT JOIN settled_else s ON {string.Join(" AND ", keys.Select(k => $"s.{k} = m.{k}"))}
            WHERE week.t <= m.row_time + {LakeSql.Number(windowMicros)} OR {history}
            """;
    }
}
