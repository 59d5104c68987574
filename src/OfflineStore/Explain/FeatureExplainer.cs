using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OfflineStore.Lake.Tables;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.OfflineStore.Explain;

/// <summary>Finds the feature row behind a stored value, and the source rows and arithmetic behind that.</summary>
/// <param name="lake">Place that relative source paths start from.</param>
/// <param name="options">Bounds of the engine; the defaults when null.</param>
public sealed class FeatureExplainer(LakePlace lake, LakeOptions? options = null)
{
    private const long MicrosPerSecond = 1_000_000;

    /// <summary>Explains one feature of one entity.</summary>
    /// <param name="keys">Values of the view's join keys, as text, in their order.</param>
    /// <param name="eventTimeMicros">The event time that was served; of the rows within its second, as some stores cut it, the newest is taken.</param>
    /// <returns>Null if the view's table has no such row.</returns>
    /// <exception cref="DeltaException">A table is missing or damaged, or the view is of a kind that has no feature rows.</exception>
    public Explanation? Explain(FeatureViewModel view, FieldModel feature, IReadOnlyList<string> keys, long eventTimeMicros, CancellationToken cancellationToken)
    {
        using var database = LakeDatabase.Open(options);
        using var connection = LakeDatabase.Connect(database, cancellationToken);
        var root = lake.Below(view.Source.Path);
        if (new DeltaLog(root).Read(cancellationToken) is { } table && ChangeColumns.Read(table, root.Address) is var columns && ChangeColumns.IsChangeTable(columns))
        {
            return Version(connection, (root, table, columns), view, feature, keys, eventTimeMicros, cancellationToken);
        }

        if (Row(connection, view, feature, keys, eventTimeMicros, cancellationToken) is not { } row)
        {
            return null;
        }

        if (view.Aggregated is not { } aggregated || aggregated.Aggregations.FirstOrDefault(a => a.Name == feature.Name) is not { } aggregation)
        {
            return new Explanation(row, null, null, [], null, null);
        }

        var start = row.EventTimeMicros - (aggregated.Window.Ticks / TimeSpan.TicksPerMicrosecond);
        var members = Members(connection, view, aggregated, aggregation, keys, (start, row.EventTimeMicros, row.CreatedMicros ?? row.EventTimeMicros), cancellationToken);
        var ordered = WindowArithmetic.Ordered(aggregation.Function, members);
        var (result, text) = WindowArithmetic.Of(aggregation.Function, ordered, aggregation.Column.Length == 0);
        return new Explanation(row, aggregation.Function, start, ordered, text, result);
    }

    private FeatureRow? Row(
        DuckDbConnection connection, FeatureViewModel view, FieldModel feature, IReadOnlyList<string> keys, long eventTimeMicros, CancellationToken cancellationToken)
    {
        var path = lake.Below(view.Source.Path);
        var from = new DeltaLog(path).Read(cancellationToken) is { } snapshot
            ? Named(path, snapshot)
            : PlainParquet.From(connection, PlainParquet.Files(path, view.Name), cancellationToken);
        var column = ViewColumns.SourceColumn(view, feature.Name);
        var types = connection.Describe($"SELECT * FROM {from}", cancellationToken).ToDictionary(c => c.Name, c => c.Type);
        var time = $"epoch_us({LakeSql.Name(view.Source.TimestampField)})";
        var created = view.Source.CreatedTimestampColumn is { } c ? $"epoch_us({LakeSql.Name(c)})" : "CAST(NULL AS BIGINT)";
        using var reader = connection.Query(
            $"""
            SELECT {FeatureCells.Sql(column, types[column], feature.Type)}, {time}, {created}, filename
            FROM {from}
            WHERE {Whose(view.JoinKeys.Select(k => ViewColumns.SourceColumn(view, k.Name)), keys)}
                AND {time} >= {LakeSql.Number(eventTimeMicros)} AND {time} < {LakeSql.Number(eventTimeMicros + MicrosPerSecond)}
            ORDER BY {time} DESC, {created} DESC NULLS LAST, {LakeSql.LastFirst} LIMIT 1
            """,
            cancellationToken);
        return reader.NextChunk()
            ? new FeatureRow(FeatureCells.Plain(feature, reader, 0, 0), reader.Int64(1, 0), reader.IsNull(2, 0) ? null : reader.Int64(2, 0), Relative(reader.Text(3, 0)))
            : null;
    }

    private List<SourceRow> Members(
        DuckDbConnection connection,
        FeatureViewModel view,
        AggregatedModel aggregated,
        AggregationModel aggregation,
        IReadOnlyList<string> keys,
        (long Start, long End, long KnownAt) window,
        CancellationToken cancellationToken)
    {
        var root = lake.Below(aggregated.SourcePath);
        var source = new DeltaLog(root).Read(cancellationToken)
            ?? throw new DeltaException($"{root} holds no change table; the rows behind view {view.Name} are gone.");
        var compiler = new FeatureSqlCompiler(view, aggregated, DeltaSchema.Read(source.Metadata.SchemaString, root.Address));
        return Versions(
            connection,
            (root, source, compiler.RowColumns),
            Whose(view.JoinKeys.Select(k => k.Name), keys),
            compiler.RowColumns.First(c => c.Name == aggregated.EventTimeColumn),
            compiler.RowColumns.FirstOrDefault(c => c.Name == aggregation.Column),
            $"k <= {LakeSql.Number(window.KnownAt)} AND k_next > {LakeSql.Number(window.KnownAt)} AND row_time >= {LakeSql.Number(window.Start)} AND row_time < {LakeSql.Number(window.End)}",
            cancellationToken);
    }

    /// <summary>The version of a source row that a plain view over a change table serves: the newest that nothing ended, else the empty row in its place.</summary>
    private Explanation? Version(
        DuckDbConnection connection,
        (LakePlace Root, DeltaSnapshot Snapshot, IReadOnlyList<LakeColumn> Columns) table,
        FeatureViewModel view,
        FieldModel feature,
        IReadOnlyList<string> keys,
        long eventTimeMicros,
        CancellationToken cancellationToken)
    {
        LakeColumn Find(string name) => table.Columns.FirstOrDefault(c => c.Name == name)
            ?? throw new DeltaException($"{view.Source.Path} has no column {name}, which view {view.Name} needs; correct the view or its source.");
        var names = view.JoinKeys.Select(k => ViewColumns.SourceColumn(view, k.Name)).ToArray();
        var time = Find(view.Source.TimestampField);
        var column = Find(ViewColumns.SourceColumn(view, feature.Name));
        LakeColumn[] read = [.. names.Select(Find).Append(time).Append(column).Distinct()];
        IEnumerable<SourceRow> At(string condition) => Versions(
            connection,
            (table.Root, table.Snapshot, read),
            Whose(names, keys),
            time,
            column,
            $"row_time >= {LakeSql.Number(eventTimeMicros)} AND row_time < {LakeSql.Number(eventTimeMicros + MicrosPerSecond)} AND {condition}",
            cancellationToken).OrderByDescending(r => r.EventTimeMicros).ThenByDescending(r => r.KnownMicros);
        if (At($"k_next = {ChangeVersions.End}").FirstOrDefault() is { } living)
        {
            return new Explanation(new FeatureRow(living.Value, living.EventTimeMicros, living.KnownMicros, living.File), null, null, [living], null, null);
        }

        return At("true").FirstOrDefault() is { } ended
            ? new Explanation(new FeatureRow(null, ended.EventTimeMicros, null, ended.File), null, null, [ended], null, null)
            : null;
    }

    private List<SourceRow> Versions(
        DuckDbConnection connection,
        (LakePlace Root, DeltaSnapshot Snapshot, IReadOnlyList<LakeColumn> Columns) table,
        string whose,
        LakeColumn time,
        LakeColumn? column,
        string condition,
        CancellationToken cancellationToken)
    {
        // A row that was this entity's once is read with its whole life.
        var files = LakeSql.Files(table.Root, table.Snapshot.Files.Values, [.. ChangeColumns.Leading, .. table.Columns]);
        var lives = $"(SELECT * FROM {files} WHERE __op = 't' OR (__source, __key) IN (SELECT __source, __key FROM {files} WHERE {whose}))";
        connection.Execute(
            $"""
            CREATE OR REPLACE TEMP TABLE explained AS
            WITH RECURSIVE {ChangeVersions.With(lives, table.Columns, ChangeTraits.Of(connection, [files], cancellationToken))}
            SELECT __source, __key, __lsn, __part, __op, {LakeSql.Micros(LakeSql.Name(time.Name), time.Type)} AS row_time, k AS known,
                {(column is null ? "CAST(NULL AS VARCHAR)" : LakeSql.Name(column.Name))} AS value
            FROM version
            WHERE __op <> 'd' AND {whose} AND {condition}
            """,
            cancellationToken);
        using var reader = connection.Query(
            $"""
            SELECT e.__source, e.__key, e.__lsn, e.__part, e.__op, min(f.filename), e.row_time, e.known, e.value
            FROM explained e JOIN {Named(table.Root, table.Snapshot)} f
                ON f.__source = e.__source AND f.__lsn = e.__lsn AND f.__part = e.__part AND (f.__key = e.__key OR starts_with(e.__key, f.__key || '#'))
            GROUP BY ALL
            """,
            cancellationToken);
        var rows = new List<SourceRow>();
        while (reader.NextChunk())
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                rows.Add(new SourceRow(
                    reader.Text(0, r), reader.Text(1, r), reader.Int64(2, r), reader.Int32(3, r), reader.Text(4, r), Relative(reader.Text(5, r)),
                    reader.Int64(6, r), reader.Int64(7, r), column is null || reader.IsNull(8, r) ? null : Value(column.Type, reader, r)));
            }
        }

        return rows;
    }

    private static object Value(LakeType type, DuckDbReader reader, int row) => type switch
    {
        LakeType.Int64 => reader.Int64(8, row),
        LakeType.Int32 => reader.Int32(8, row),
        LakeType.Double => reader.Double(8, row),
        LakeType.Boolean => reader.Boolean(8, row),
        LakeType.Timestamp => reader.TimestampMicros(8, row),
        _ => reader.Text(8, row),
    };

    private static string Whose(IEnumerable<string> columns, IReadOnlyList<string> keys) =>
        string.Join(" AND ", columns.Zip(keys, (column, key) => $"CAST({LakeSql.Name(column)} AS VARCHAR) = {LakeSql.Text(key)}"));

    private static string Named(LakePlace table, DeltaSnapshot snapshot) => table.LocalFiles([.. snapshot.Files.Keys.Order(StringComparer.Ordinal)]).Select(LakeSql.Path).ToList() is { Count: > 0 } list
        ? $"read_parquet([{string.Join(", ", list)}], union_by_name = true, hive_partitioning = false, filename = true)"
        : throw new DeltaException($"{table} holds no file.");

    private string Relative(string file) => lake.NameOf(file);
}
