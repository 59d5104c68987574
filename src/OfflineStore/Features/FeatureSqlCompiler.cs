using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.OfflineStore.Features;

/// <summary>
/// Compiles an aggregated view to SQL. Times are microseconds since the epoch. A version of a row is known in
/// [<c>k</c>, <c>k_next</c>); features of T cover [T − window, T) of the row's own time.
/// </summary>
internal sealed class FeatureSqlCompiler(FeatureViewModel view, AggregatedModel aggregated, IReadOnlyList<LakeColumn> sourceColumns)
{
    private readonly List<string> _keys = [.. view.JoinKeys.Select(k => LakeSql.Name(k.Name))];

    /// <summary>The columns of the feature table, without its partition column.</summary>
    public IReadOnlyList<LakeColumn> OutputColumns { get; } =
    [
        .. view.JoinKeys.Select(k => new LakeColumn(ViewColumns.SourceColumn(view, k.Name), ViewColumns.Type(k))),
        .. aggregated.Aggregations.Select(a => new LakeColumn(
            ViewColumns.SourceColumn(view, a.Name), ViewColumns.Type(view.Features.First(f => f.Name == a.Name)))),
        new(view.Source.TimestampField, LakeType.Timestamp),
        new(CreatedColumn(view), LakeType.Timestamp),
    ];

    /// <summary>The columns the query reads from the change table, beside the leading ones.</summary>
    public IReadOnlyList<LakeColumn> RowColumns { get; } =
    [
        .. view.JoinKeys.Select(k => k.Name)
            .Append(aggregated.EventTimeColumn)
            .Concat(aggregated.Aggregations.Select(a => a.Column).Where(c => c.Length > 0))
            .Distinct()
            .Select(name => sourceColumns.FirstOrDefault(c => c.Name == name)
                ?? throw new DeltaException($"{aggregated.SourcePath} has no column {name}, which view {view.Name} needs; correct the view or the source.")),
    ];

    private string Keys => string.Join(", ", _keys);

    private LakeColumn TimeColumn => RowColumns.First(c => c.Name == aggregated.EventTimeColumn);

    private string RowTime => LakeSql.Micros(LakeSql.Name(TimeColumn.Name), TimeColumn.Type);

    private string Present =>
        string.Join(" AND ", _keys.Append(LakeSql.Name(TimeColumn.Name)).Distinct().Select(name => name + " IS NOT NULL"));

    /// <summary>
    /// Makes the table <c>repeated</c>: hashes of the keys whose rows must be seen together. Every other key has one insert and
    /// no more, known from its commit on for ever, so its row can be read by itself and where it lies.
    /// </summary>
    public string Repeated(ChangeScan scan) => $"""
        CREATE OR REPLACE TEMP TABLE repeated AS
        SELECT h FROM (SELECT {ChangeScan.KeyHash} AS h, __unavailable FROM {scan.Inserts})
        GROUP BY h HAVING count(*) > 1 OR count(__unavailable) > 0
        UNION
        SELECT {ChangeScan.KeyHash} FROM {scan.Changes}
        """;

    /// <summary>Makes the table <c>versions</c>: those of repeated keys that are alive, with their known interval, key, time and values.</summary>
    public string Versions(ChangeScan scan, ChangeTraits traits)
    {
        var changes = $"""
            (SELECT * FROM {scan.Changes} UNION ALL BY NAME
                SELECT * FROM {scan.Inserts} WHERE {ChangeScan.KeyHash} IN (SELECT h FROM repeated))
            """;
        return $"""
            CREATE OR REPLACE TEMP TABLE versions AS
            WITH RECURSIVE {ChangeVersions.With(changes, RowColumns, traits)}
            SELECT k, k_next, {string.Join(", ", RowColumns.Select(c => LakeSql.Name(c.Name)))}, {RowTime} AS row_time
            FROM version WHERE __op <> 'd' AND k < k_next AND {Present}
            """;
    }

    /// <summary>A SELECT of what <see cref="Versions"/> made and of the single inserts: rows with their known interval, row time in microseconds, and values.</summary>
    public string Living(string inserts, long fromMicros, long toMicros)
    {
        var columns = string.Join(", ", RowColumns.Select(c => LakeSql.Name(c.Name)));
        return $"""
            SELECT {columns}, {RowTime} AS row_time, epoch_us(__commit_time) AS k, {ChangeVersions.End} AS k_next
            FROM {Single(inserts)} WHERE {Between(fromMicros, toMicros)}
            UNION ALL
            SELECT {columns}, row_time, k, k_next FROM versions WHERE row_time >= {LakeSql.Number(fromMicros)} AND row_time < {LakeSql.Number(toMicros)}
            """;
    }

    /// <summary>Makes the table <c>settled</c>: for each key, the first feature time at which one of the single inserts is history from the start.</summary>
    public string Settled(ChangeScan scan) => aggregated.EmptyWindowZero
        ? $"""
            CREATE OR REPLACE TEMP TABLE settled AS
            SELECT {Keys}, min(greatest({RowTime} + 1, epoch_us(__commit_time))) AS since
            FROM {Single(scan.Inserts)} GROUP BY {Keys}
            """
        : "";

    private TouchedSql Touched => new(_keys, RowTime, aggregated.Window.Ticks / TimeSpan.TicksPerMicrosecond, aggregated.EmptyWindowZero);

    /// <summary>Makes the tables <c>touched</c>, as <see cref="TouchedSql.Pairs"/> says, and <c>touched_row</c>, the same by the feature table's types.</summary>
    public string TouchedPairs(ChangeScan scan, IReadOnlyList<long> times)
    {
        var typed = _keys.Select((k, i) => $"CAST({k} AS {LakeSql.Type(OutputColumns[i].Type)}) AS k{i}");
        return $"{Touched.Pairs(scan, Single(scan.Inserts), times)}; CREATE OR REPLACE TEMP TABLE touched_row AS SELECT {string.Join(", ", typed)}, t FROM touched";
    }

    /// <summary>Makes the tables <c>member</c>, what lies in the window of T at some known time, and <c>birth</c>, when each key gets its first row.</summary>
    /// <param name="touchedOnly">Only for the keys that the table <c>touched</c> has for T.</param>
    public string Members(ChangeScan scan, long asOfMicros, bool touchedOnly = false)
    {
        var from = asOfMicros - (aggregated.Window.Ticks / TimeSpan.TicksPerMicrosecond);
        var t = LakeSql.Number(asOfMicros);
        var columns = string.Join(", ", RowColumns.Select(c => LakeSql.Name(c.Name)));
        var only = touchedOnly ? $" SEMI JOIN (SELECT {Keys} FROM touched WHERE t = {t}) USING ({Keys})" : string.Empty;
        var member = $"""
            CREATE OR REPLACE TEMP TABLE member AS
            SELECT {columns}, greatest(epoch_us(__commit_time), {t}) AS k, {ChangeVersions.End} AS k_next
            FROM {Single(scan.InsertsBetween(from, asOfMicros))}{only} WHERE {Between(from, asOfMicros)}
            UNION ALL
            SELECT {columns}, greatest(k, {t}), k_next FROM versions{only} WHERE k_next > {t} AND row_time >= {LakeSql.Number(from)} AND row_time < {t};
            """;
        return member + (aggregated.EmptyWindowZero
            ? $"""
                CREATE OR REPLACE TEMP TABLE birth AS
                SELECT {Keys}, {t} AS k FROM settled{only} WHERE since <= {t}
                UNION ALL
                SELECT {Keys}, min(k) FROM (
                    SELECT {Keys}, epoch_us(__commit_time) AS k
                    FROM {Single(scan.InsertsInFlight(asOfMicros))}{only} WHERE {RowTime} < {t} AND epoch_us(__commit_time) > {t}
                    UNION ALL
                    SELECT {Keys}, greatest(k, {t}) FROM versions{only} WHERE k_next > {t} AND row_time < {t})
                ANTI JOIN (SELECT {Keys} FROM settled WHERE since <= {t}) USING ({Keys})
                GROUP BY {Keys}
                """
            : $"CREATE OR REPLACE TEMP TABLE birth AS SELECT {Keys}, min(k) AS k FROM member GROUP BY {Keys}");
    }

    /// <summary>
    /// Makes the tables of one feature time that <see cref="Values"/> reads. A key whose window never changes after its birth needs no more than one
    /// grouping; the others (<c>late</c>, with their members <c>changing</c>) are spread over the points in time at which a member comes or goes.
    /// </summary>
    public string Points(long asOfMicros) => $"""
        CREATE OR REPLACE TEMP TABLE late AS SELECT DISTINCT {Keys} FROM member WHERE k > {LakeSql.Number(asOfMicros)} OR k_next < {ChangeVersions.End};
        CREATE OR REPLACE TEMP TABLE changing AS FROM member SEMI JOIN late USING ({Keys});
        CREATE OR REPLACE TEMP TABLE point AS
            SELECT {Keys}, k FROM birth SEMI JOIN late USING ({Keys})
            UNION SELECT {Keys}, k FROM changing
            UNION SELECT {Keys}, k_next FROM changing WHERE k_next < {ChangeVersions.End};
        CREATE OR REPLACE TEMP TABLE f AS {Grouped(0, 1)} LIMIT 0
        """;

    /// <summary>A SELECT of the rows that <see cref="Values"/> groups, at most: each point of a key has all its members.</summary>
    public string SpreadCount => $"""
        SELECT (SELECT count(*) FROM member) + coalesce(CAST(sum(members * points) AS BIGINT), 0)
        FROM (SELECT {Keys}, count(*) AS members FROM changing GROUP BY {Keys}) JOIN (SELECT {Keys}, count(*) AS points FROM point GROUP BY {Keys}) USING ({Keys})
        """;

    /// <summary>Adds the values of a part of the keys' points to the table <c>f</c>.</summary>
    public string Values(int part, int parts) => $"INSERT INTO f {Grouped(part, parts)}";

    /// <summary>Adds to <c>computed</c> the rows of one feature time: f(T), and one row for each later known time at which f changes.</summary>
    public string Rows(long asOfMicros)
    {
        var names = Names().ToList();
        var values = aggregated.Aggregations.Select((a, i) => a.Function is "count" or "count_distinct" or "sum" ? $"coalesce(f.{names[i]}, 0) AS {names[i]}" : "f." + names[i]);
        var point = $"{string.Join(", ", _keys.Select(k => "p." + k))}, {string.Join(", ", values)}, p.k";
        var on = string.Join(" AND ", _keys.Append("k").Select(k => $"f.{k} = p.{k}"));
        var changed = string.Join(" OR ", names.Select(n => $"{n} IS DISTINCT FROM lag({n}) OVER rows_of_key"));
        return $"""
            INSERT INTO computed
            WITH once AS (SELECT {point} FROM (FROM birth ANTI JOIN late USING ({Keys})) p LEFT JOIN f ON {on}),
            often AS (SELECT {point} FROM point p LEFT JOIN f ON {on})
            SELECT * EXCLUDE (k), {LakeSql.Instant(LakeSql.Number(asOfMicros))}, {LakeSql.Instant("k")}
            FROM (
                SELECT * FROM once
                UNION ALL
                SELECT * FROM often WINDOW rows_of_key AS (PARTITION BY {Keys} ORDER BY k)
                QUALIFY row_number() OVER rows_of_key = 1 OR {changed})
            """;
    }

    private string Grouped(int part, int parts)
    {
        var of = KeyParts.Where($"{Keys}, k", part, parts);
        var aggregates = Names().Zip(aggregated.Aggregations, (name, a) => (name, a)).Select((n, i) => $"{new AggregateSql(view, n.a, ColumnOf(n.a), OutputColumns[_keys.Count + i].Type).Term} AS {n.name}");
        var on = string.Join(" AND ", _keys.Select(k => $"x.{k} = p.{k}"));
        return $"""
            SELECT {Keys}, k, {string.Join(", ", aggregates)}
            FROM (
                SELECT * EXCLUDE (k_next) FROM (FROM member WHERE {of}) ANTI JOIN late USING ({Keys})
                UNION ALL BY NAME
                SELECT x.* EXCLUDE (k, k_next), p.k FROM (FROM point WHERE {of}) p JOIN changing x ON {on} AND x.k <= p.k AND x.k_next > p.k)
            GROUP BY {Keys}, k
            """;
    }

    // A condition on the column itself lets Parquet's own statistics leave row groups out.
    private string Between(long fromMicros, long toMicros)
    {
        var (time, from, to) = TimeColumn.Type == LakeType.Timestamp
            ? (LakeSql.Name(TimeColumn.Name), LakeSql.Instant(LakeSql.Number(fromMicros)), LakeSql.Instant(LakeSql.Number(toMicros)))
            : (RowTime, LakeSql.Number(fromMicros), LakeSql.Number(toMicros));
        return $"{time} >= {from} AND {time} < {to}";
    }

    private string Single(string inserts) =>
        $"(SELECT * FROM {inserts} WHERE {Present} AND __commit_time IS NOT NULL AND {ChangeScan.KeyHash} NOT IN (SELECT h FROM repeated))";

    private LakeColumn? ColumnOf(AggregationModel aggregation) => RowColumns.FirstOrDefault(c => c.Name == aggregation.Column);

    internal static string CreatedColumn(FeatureViewModel view) => view.Source.CreatedTimestampColumn
        ?? throw new DeltaException($"View {view.Name} is aggregated but its output has no created_timestamp_column; name one.");

    private IEnumerable<string> Names() =>
        OutputColumns.Skip(_keys.Count).Take(aggregated.Aggregations.Count).Select(c => LakeSql.Name(c.Name));
}
