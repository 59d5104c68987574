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

    /// <summary>Makes the table <c>iv</c>: alive versions with their known interval, their key, time and values.</summary>
    public string Intervals(string changes)
    {
        var time = RowColumns.First(c => c.Name == aggregated.EventTimeColumn);
        return $"""
            CREATE OR REPLACE TEMP TABLE iv AS
            WITH {ChangeVersions.With(changes, RowColumns)}
            SELECT k, k_next, {string.Join(", ", RowColumns.Select(c => LakeSql.Name(c.Name)))}, {LakeSql.Micros(LakeSql.Name(time.Name), time.Type)} AS row_time
            FROM version
            WHERE __op <> 'd' AND k < k_next AND {LakeSql.Name(time.Name)} IS NOT NULL
                AND {string.Join(" AND ", _keys.Select(key => key + " IS NOT NULL"))}
            """;
    }

    /// <summary>Adds to <c>computed</c> the rows of one feature time: f(T), and one row for each later known time at which f changes.</summary>
    public string Rows(long asOfMicros)
    {
        var t = LakeSql.Number(asOfMicros);
        var from = LakeSql.Number(asOfMicros - (aggregated.Window.Ticks / TimeSpan.TicksPerMicrosecond));
        var keys = string.Join(", ", _keys);
        var features = view.Features.Count == 0 ? "" : string.Join(", ", Names());
        var lagged = string.Join(" OR ", Names().Select(n => $"{n} IS DISTINCT FROM lag({n}) OVER rows_of_key"));
        var birth = aggregated.EmptyWindowZero ? "history" : "member";
        var aggregates = aggregated.Aggregations.Select((a, i) => $"{Aggregate(a, i)} AS {LakeSql.Name(OutputColumns[_keys.Count + i].Name)}");
        return $"""
            INSERT INTO computed
            WITH history AS (SELECT * REPLACE (greatest(k, {t}) AS k) FROM iv WHERE row_time < {t} AND k_next > {t}),
            member AS (SELECT * FROM history WHERE row_time >= {from}),
            birth AS (SELECT {keys}, min(k) AS k FROM {birth} GROUP BY {keys}),
            point AS (
                SELECT {keys}, k FROM birth
                UNION SELECT {keys}, k FROM member
                UNION SELECT {keys}, k_next FROM member WHERE k_next < {ChangeVersions.End}),
            f AS (
                SELECT {string.Join(", ", _keys.Select(k => "p." + k))}, p.k, {string.Join(", ", aggregates)}
                FROM point p LEFT JOIN member m
                    ON {string.Join(" AND ", _keys.Select(k => $"m.{k} = p.{k}"))} AND m.k <= p.k AND m.k_next > p.k
                GROUP BY ALL)
            SELECT {keys}, {features}, {LakeSql.Instant(t)}, {LakeSql.Instant("k")}
            FROM f
            WINDOW rows_of_key AS (PARTITION BY {keys} ORDER BY k)
            QUALIFY row_number() OVER rows_of_key = 1 OR {lagged}
            """;
    }

    internal static string CreatedColumn(FeatureViewModel view) => view.Source.CreatedTimestampColumn
        ?? throw new DeltaException($"View {view.Name} is aggregated but its output has no created_timestamp_column; name one.");

    private IEnumerable<string> Names() =>
        OutputColumns.Skip(_keys.Count).Take(aggregated.Aggregations.Count).Select(c => LakeSql.Name(c.Name));

    /// <summary>One aggregation over the members; an empty window counts and totals zero, the others are null.</summary>
    private string Aggregate(AggregationModel aggregation, int index)
    {
        var type = LakeSql.Type(OutputColumns[_keys.Count + index].Type);
        var column = aggregation.Column.Length > 0 ? "m." + LakeSql.Name(aggregation.Column) : "m.k";

        // Sums go in ascending order, one addition after the other, so that no plan changes a bit; + 0.0 makes -0.0 plain.
        var sum = $"list_reduce(list_prepend(CAST(0 AS DOUBLE), list(CAST({column} AS DOUBLE) ORDER BY {column}) FILTER ({column} IS NOT NULL)), lambda a, b: a + b)";
        var total = $"(coalesce({sum}, 0.0) + 0.0)";
        var result = aggregation.Function switch
        {
            "count" => $"count({column})",
            "count_distinct" => $"count(DISTINCT {column})",
            "sum" => total,
            "mean" => $"CASE WHEN count({column}) = 0 THEN NULL ELSE {total} / count({column}) END",
            "min" => $"min({column})",
            "max" => $"max({column})",
            _ => throw new DeltaException(
                $"Aggregation {aggregation.Name} of view {view.Name} asks for {aggregation.Function}; take count, sum, mean, min, max or count_distinct."),
        };
        return $"CAST({result} AS {type})";
    }
}
