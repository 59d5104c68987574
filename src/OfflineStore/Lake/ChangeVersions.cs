namespace FeatureStore.OfflineStore.Lake;

/// <summary>
/// The versions of each source row, from a change table. A version is known in [<c>k</c>, <c>k_next</c>), microseconds
/// since the epoch: its commit time, made non-decreasing per key in LSN order, and that of the version after it.
/// </summary>
internal static class ChangeVersions
{
    /// <summary><c>k_next</c> of a version that nothing has ended.</summary>
    public const string End = "9223372036854775807";

    private const string VersionsWindow = "PARTITION BY __source, __key ORDER BY __lsn, __part";

    /// <summary>
    /// Common table expressions, the last of which is <c>version(__op, __source, __key, __lsn, __part, k, k_next, columns)</c>: one row for each change of
    /// a key, deletes too, a truncate as a delete of every key before it, deliveries counted once, unavailable values filled.
    /// </summary>
    /// <param name="changes">The change table, as <see cref="LakeSql.Files"/> gives it.</param>
    public static string With(string changes, IReadOnlyList<LakeColumn> columns) => $"""
        raw AS (SELECT __op, __source, __lsn, __part, __key, epoch_us(__commit_time) AS ct, __unavailable, {string.Join(", ", columns.Select(c => LakeSql.Name(c.Name)))} FROM {changes}),
        every AS (
            SELECT * FROM raw WHERE __op <> 't'
            UNION ALL BY NAME
            SELECT 'd' AS __op, t.__source, t.__lsn, t.__part, k.__key, t.ct
            FROM raw t JOIN (SELECT __source, __key, min(__lsn) AS first FROM raw WHERE __op <> 't' GROUP BY ALL) k
                ON k.__source = t.__source AND k.first < t.__lsn
            WHERE t.__op = 't'),
        once AS (
            SELECT * FROM every
            QUALIFY row_number() OVER (PARTITION BY __source, __key, __lsn, __part ORDER BY ct, __op) = 1),
        known AS (SELECT *, max(ct) OVER ({VersionsWindow} ROWS UNBOUNDED PRECEDING) AS k FROM once),
        version AS (
            SELECT __op, __source, __key, __lsn, __part, k, coalesce(lead(k) OVER ({VersionsWindow}), {End}) AS k_next,
                {string.Join(", ", columns.Select(Resolved))}
            FROM known)
        """;

    // A column whose value an event did not carry has the value of the version before it.
    private static string Resolved(LakeColumn column)
    {
        var name = LakeSql.Name(column.Name);
        var unavailable = $"list_contains(from_json(__unavailable, '[\"VARCHAR\"]'), {LakeSql.Text(column.Name)})";
        return $"last_value(CASE WHEN coalesce({unavailable}, false) THEN NULL ELSE struct_pack(v := {name}) END IGNORE NULLS) "
            + $"OVER ({VersionsWindow} ROWS UNBOUNDED PRECEDING).v AS {name}";
    }
}
