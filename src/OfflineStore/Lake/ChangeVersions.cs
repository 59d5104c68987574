namespace FeatureStore.OfflineStore.Lake;

/// <summary>
/// The versions of each source row, from a change table. A version is known in [<c>k</c>, <c>k_next</c>), microseconds
/// since the epoch: its commit time, made non-decreasing per key in LSN order, and that of the version after it.
/// </summary>
internal static class ChangeVersions
{
    /// <summary><c>k_next</c> of a version that nothing has ended.</summary>
    public const string End = "9223372036854775807";

    // A row of an incremental snapshot has no LSN of its own. It saw every commit up to the one streamed before it and none after, so it stands before
    // the changes that were streamed after that commit; and the changes of one key follow each other in commits as in LSNs.
    private const string ByCommit = "CASE WHEN __part = -1 THEN __lsn ELSE coalesce(__previous_commit, __lsn) END, __part <> -1, __lsn, __part";
    private const string ByLsn = "__lsn, __part";

    // What stands beside the row's own columns; the others of ours begin with two underscores.
    private static readonly string[] Taken = ["k", "k_next"];

    /// <summary>
    /// Common table expressions, the last of which is <c>version(__op, __source, __key, __lsn, __part, k, k_next, columns)</c>: one row for each change of
    /// a key, deletes too, a truncate as a delete of every key before it, deliveries counted once, unavailable values filled.
    /// Written after WITH RECURSIVE.
    /// </summary>
    /// <param name="changes">The change table, as <see cref="LakeSql.Files"/> gives it, or whole keys of it.</param>
    /// <param name="traits">What occurs in the table.</param>
    /// <exception cref="DeltaException">A column has a name that is taken.</exception>
    public static string With(string changes, IReadOnlyList<LakeColumn> columns, ChangeTraits traits)
    {
        if (columns.FirstOrDefault(c => Taken.Contains(c.Name, StringComparer.OrdinalIgnoreCase)) is { } taken)
        {
            throw new DeltaException($"A column named {taken.Name} cannot be read: {string.Join(" and ", Taken)} are when a version became known and when it ended. Give the column another name where its rows are imported or captured.");
        }

        var order = traits.Incremental ? ByCommit : ByLsn;
        var versions = $"PARTITION BY __source, __key ORDER BY {order}";
        return $"""
            raw AS (SELECT __op, __source, __lsn, __part, __key, epoch_us(__commit_time) AS __ct, __unavailable, __previous_commit, {Names(columns)} FROM {changes}),
            {(traits.Keyless ? Numbered : "keyed AS (SELECT * FROM raw)")},
            every AS (
                SELECT * FROM keyed WHERE __op <> 't'
                UNION ALL BY NAME
                SELECT 'd' AS __op, t.__source, t.__lsn, t.__part, k.__key, t.__ct, t.__previous_commit
                FROM keyed t JOIN (SELECT __source, __key, min(__lsn) AS first FROM keyed WHERE __op <> 't' GROUP BY ALL) k
                    ON k.__source = t.__source AND k.first < t.__lsn
                WHERE t.__op = 't'),
            once AS (
                SELECT * FROM every
                QUALIFY row_number() OVER (PARTITION BY __source, __key, __lsn, __part ORDER BY __ct, __op) = 1),
            {(traits.Unavailable ? Filled(columns, versions, order) : "filled AS (SELECT * FROM once)")},
            known AS (SELECT *, max(__ct) OVER ({versions} ROWS UNBOUNDED PRECEDING) AS k FROM filled),
            version AS (
                SELECT __op, __source, __key, __lsn, __part, k, coalesce(lead(k) OVER ({versions}), {End}) AS k_next, {Names(columns)}
                FROM known)
            """;
    }

    /// <summary>
    /// Of rows without a key that are equal in all values, the first end ends the first, and so on; a truncate ends all, and the count begins anew.
    /// </summary>
    private static string Numbered => $"""
        counted AS (
            SELECT *, count(*) FILTER (__op = 't') OVER (PARTITION BY __source ORDER BY __lsn, __part ROWS UNBOUNDED PRECEDING) AS __epoch
            FROM (FROM raw QUALIFY row_number() OVER (PARTITION BY __source, __key, __lsn, __part ORDER BY __ct) = 1)),
        keyed AS (
            SELECT * EXCLUDE (__epoch) REPLACE (
                CASE WHEN __part <= {ChangeColumns.KeylessPart(0)}
                    THEN __key || '#' || __epoch || '.' || row_number() OVER (PARTITION BY __source, __key, __epoch, __op = 'd' ORDER BY __lsn, __part DESC)
                    ELSE __key END AS __key)
            FROM counted)
        """;

    /// <summary>
    /// A column whose value an event did not carry has that of the version before it in the row's life, which a create begins.
    /// The create half of a key change goes on with the life of the old key, whose delete shares its LSN. Deletes carry no
    /// values on: their image may be the key alone.
    /// </summary>
    private static string Filled(IReadOnlyList<LakeColumn> columns, string versions, string order) => $"""
        born AS (
            SELECT *, count(*) FILTER (__op IN ('c', 'r')) OVER ({versions} ROWS UNBOUNDED PRECEDING) AS __life
            FROM once),
        step AS (
            SELECT n.__source, n.__key, n.__life, min(o.__key) AS old_key, arg_min(o.__life, o.__key) AS old_life
            FROM born n JOIN born o ON o.__source = n.__source AND o.__lsn = n.__lsn AND o.__key <> n.__key AND o.__op = 'd' AND o.__part = 0
            WHERE n.__op = 'c' AND n.__part = 1 AND n.__unavailable IS NOT NULL
            GROUP BY ALL),
        climb AS (
            SELECT __source, __key, __life, old_key, old_life, 1 AS height FROM step
            UNION ALL
            SELECT c.__source, c.__key, c.__life, s.old_key, s.old_life, c.height + 1
            FROM climb c JOIN step s ON s.__source = c.__source AND s.__key = c.old_key AND s.__life = c.old_life),
        first AS (
            SELECT __source, __key, __life, arg_max(old_key, height) AS first_key, arg_max(old_life, height) AS first_life
            FROM climb GROUP BY ALL),
        lived AS (
            SELECT b.*, coalesce(f.first_key, b.__key) AS __life_key, coalesce(f.first_life, b.__life) AS __life_number
            FROM born b LEFT JOIN first f ON f.__source = b.__source AND f.__key = b.__key AND f.__life = b.__life),
        filled AS (
            SELECT __op, __source, __lsn, __part, __key, __ct, __previous_commit, {string.Join(", ", columns.Select(c => Resolved(c, order)))}
            FROM lived)
        """;

    private static string Names(IReadOnlyList<LakeColumn> columns) => string.Join(", ", columns.Select(c => LakeSql.Name(c.Name)));

    private static string Resolved(LakeColumn column, string order)
    {
        var name = LakeSql.Name(column.Name);
        var unavailable = $"list_contains(from_json(__unavailable, '[\"VARCHAR\"]'), {LakeSql.Text(column.Name)})";
        return $"last_value(CASE WHEN __op = 'd' OR coalesce({unavailable}, false) THEN NULL ELSE struct_pack(v := {name}) END IGNORE NULLS) "
            + $"OVER (PARTITION BY __source, __life_key, __life_number ORDER BY {order} ROWS UNBOUNDED PRECEDING).v AS {name}";
    }
}
