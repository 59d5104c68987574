using System.Globalization;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Tables;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>
/// Brings the rows of a view's source that some label may see into the table <c>row0, row1, …(sid, code, event_time, known_time, ends, f0, f1, …)</c>,
/// <c>sid</c> being their position, and a row −1 of nulls; and offers them as the plan's history relation. Sources are a feature table, plain Parquet,
/// or a change table. Features of a small source are left where they are, to be read from there into what is held.
/// </summary>
/// <param name="asFeast">Features keep the source's type.</param>
internal sealed class ViewRows(DuckDbConnection connection, LakePins pins, LabelTable labels, HeldViews held, bool asFeast)
{
    /// <exception cref="DeltaException">The table is missing, damaged, or lacks a column.</exception>
    public OpenedView Open(SelectedView view, int index, int group, CancellationToken cancellationToken)
    {
        var table = pins.Pin(view.View.Source.Path, view.View.Name, cancellationToken);
        var (select, left) = table.IsChangeTable ? (Versions(view, table, group, cancellationToken), null) : Rows(view, index, table, group, cancellationToken);
        connection.Execute(
            $"""
            CREATE OR REPLACE TABLE row{index} AS {select};
            INSERT INTO row{index} (sid) VALUES ({DuckDbJoin.None});
            CREATE OR REPLACE VIEW history{index} AS SELECT code, sid, event_time, known_time, ends, sid AS position FROM row{index} WHERE sid >= 0
            """,
            cancellationToken);
        return new OpenedView(table.IsChangeTable && connection.Number($"SELECT count(*) FROM row{index} WHERE ends < {LakeSql.Number(JoinPlan.Never)}", cancellationToken) > 0, left);
    }

    private (string Rows, string? Left) Rows(SelectedView view, int index, PinnedTable table, int group, CancellationToken cancellationToken)
    {
        var from = From(table, cancellationToken);
        var types = Types(from, cancellationToken);
        var source = view.View.Source;
        var time = Instant(view, types, source.TimestampField);
        var created = source.CreatedTimestampColumn is { } c ? $"epoch_us({Instant(view, types, c).Sql})" : "CAST(NULL AS BIGINT)";
        var features = view.Features.Select((f, i) => (Name: $"f{i}", Sql: $", {Feature(view, types, f)} AS f{i}")).ToList();
        var width = connection.Describe($"SELECT sid{string.Concat(features.Select(f => f.Sql))} FROM {from}", cancellationToken).ToDictionary(c => c.Name, c => DuckDbLookups.Width(c.Type));
        var left = features.Where(f => width[f.Name] > 0).ToList();
        if (!held.Reserve(index, Count(table, cancellationToken), left.Sum(f => width[f.Name] + 1)))
        {
            left = [];
        }

        var brought = features.Except(left).ToList();
        return (
            $"""
            SELECT s.sid, e.code, epoch_us(s.time) AS event_time, s.known_time, {LakeSql.Number(JoinPlan.Never)} AS ends{string.Concat(brought.Select(f => $", s.{f.Name}"))}
            FROM (
                SELECT sid, {time.Sql} AS time, {created} AS known_time{string.Concat(view.Keys.Select((k, i) => $", {Cell(view, types, k)} AS k{i}"))}{string.Concat(brought.Select(f => f.Sql))}
                FROM {from} WHERE {Within(time, view)}) s
            JOIN entity{group} e ON {Join(view)}
            """,
            left.Count == 0 ? null : $"SELECT sid{string.Concat(left.Select(f => f.Sql))} FROM {from} WHERE {Within(time, view)}");
    }

    private string Versions(SelectedView view, PinnedTable table, int group, CancellationToken cancellationToken)
    {
        var changes = LakeSql.Files(table.Root, table.Snapshot!.Files.Values, table.Columns);
        var types = Types(changes, cancellationToken);
        var time = Instant(view, types, view.View.Source.TimestampField);
        var needed = view.Keys.Concat(view.Features).Select(f => ViewColumns.SourceColumn(view.View, f.Name)).Append(view.View.Source.TimestampField).Distinct();
        List<LakeColumn> read = [.. needed.Select(name => table.Columns.FirstOrDefault(c => c.Name == name) ?? throw Lacks(view, name))];

        // Rows of equal times are told apart as serving does: the first source and key count, so they come last here.
        return $"""
            WITH RECURSIVE {ChangeVersions.With(changes, read, ChangeTraits.Of(connection, [changes], cancellationToken))},
            living AS (
                SELECT epoch_us({time.Sql}) AS event_time, k, k_next, __source, __key{string.Concat(view.Keys.Select((key, i) => $", {Cell(view, types, key)} AS k{i}"))}{Features(view, types)}
                FROM version WHERE __op <> 'd' AND k < k_next)
            SELECT row_number() OVER (ORDER BY s.__source DESC, s.__key DESC, s.k) AS sid, e.code, s.event_time, s.k AS known_time, s.k_next AS ends{string.Concat(view.Features.Select((_, i) => $", s.f{i}"))}
            FROM living s JOIN entity{group} e ON {Join(view)}
            WHERE s.event_time <= {LakeSql.Number(labels.GreatestMicros)}
            """;
    }

    private string Features(SelectedView view, Dictionary<string, string> types) => string.Concat(view.Features.Select((f, i) => $", {Feature(view, types, f)} AS f{i}"));

    // The empty relation gives a table without files its columns, and a file from before a column was added that column.
    private string From(PinnedTable table, CancellationToken cancellationToken)
    {
        if (table.Snapshot is null)
        {
            return $"(SELECT *, {Position(table, cancellationToken)} AS sid FROM {PlainParquet.From(connection, table.Files, cancellationToken)})";
        }

        var files = string.Join(", ", table.Files.Select(LakeSql.Path));
        var empty = "SELECT " + string.Concat(table.Columns.Select(c => $"CAST(NULL AS {LakeSql.Type(c.Type)}) AS {LakeSql.Name(c.Name)}, ")) + "CAST(NULL AS BIGINT) AS sid WHERE false";
        return table.Files.Count == 0
            ? $"({empty})"
            : $"({empty} UNION ALL BY NAME SELECT *, {Position(table, cancellationToken)} AS sid FROM read_parquet([{files}], union_by_name = true, hive_partitioning = false))";
    }

    // Positions without gaps: DuckDB looks rows of a small range of numbers up without hashing them.
    private string Position(PinnedTable table, CancellationToken cancellationToken)
    {
        if (table.Files.Count == 1)
        {
            return "file_row_number";
        }

        var counts = Counts(table, cancellationToken);
        long before = 0;
        var starts = table.Files.Select(f => (before += counts[f]) - counts[f]).ToList();
        return $"[{string.Join(", ", starts)}][CAST(file_index AS BIGINT) + 1] + file_row_number";
    }

    private long Count(PinnedTable table, CancellationToken cancellationToken)
    {
        var counts = Counts(table, cancellationToken);
        return table.Files.Sum(f => counts[f]);
    }

    private Dictionary<string, long> Counts(PinnedTable table, CancellationToken cancellationToken) => table.Files.Count == 0
        ? []
        : connection.Texts($"SELECT file_name, num_rows FROM parquet_file_metadata([{string.Join(", ", table.Files.Select(LakeSql.Path))}])", cancellationToken)
            .DistinctBy(r => r[0]).ToDictionary(r => r[0]!, r => long.Parse(r[1]!, CultureInfo.InvariantCulture));

    /// <summary>Rows that some label may see.</summary>
    private string Within((string Sql, string Type) time, SelectedView view)
    {
        var until = $"{time.Sql} <= {Literal(time.Type, labels.GreatestMicros)}";
        return TtlMicros(view.View) is { } ttl ? $"{until} AND {time.Sql} >= {Literal(time.Type, Math.Max(labels.LeastMicros - ttl, LakeTime.Least))}" : until;
    }

    // A condition on the column itself lets Parquet's statistics leave row groups out.
    private static string Literal(string type, long micros) =>
        type == "TIMESTAMP WITH TIME ZONE" ? LakeSql.Instant(LakeSql.Number(micros)) : $"make_timestamp({LakeSql.Number(micros)})";

    /// <summary>The ttl in microseconds; null where rows do not age.</summary>
    public static long? TtlMicros(FeatureViewModel view) =>
        view.Ttl > TimeSpan.Zero && view.Ttl < TimeSpan.MaxValue ? view.Ttl.Ticks / TimeSpan.TicksPerMicrosecond : null;

    private static string Join(SelectedView view) => view.Keys.Count == 0 ? "true" : string.Join(" AND ", view.Keys.Select((_, i) => $"e.k{i} = s.k{i}"));

    private Dictionary<string, string> Types(string from, CancellationToken cancellationToken) =>
        connection.Describe($"SELECT * FROM {from}", cancellationToken).ToDictionary(c => c.Name, c => c.Type);

    private static (string Sql, string Type) Instant(SelectedView view, Dictionary<string, string> types, string column) => Type(view, types, column) switch
    {
        { } type when type.StartsWith("TIMESTAMP", StringComparison.Ordinal) => (LakeSql.Name(column), type),
        "DATE" => ($"CAST({LakeSql.Name(column)} AS TIMESTAMP)", "TIMESTAMP"),
        { } other => throw new DeltaException($"{view.View.Source.Path}: column {column} is {other}, and view {view.View.Name} takes it for a time; make it a timestamp, or name another column."),
    };

    private static string Cell(SelectedView view, Dictionary<string, string> types, FieldModel field)
    {
        var source = ViewColumns.SourceColumn(view.View, field.Name);
        return FeatureCells.Sql(source, Type(view, types, source), field.Type);
    }

    /// <summary>A feature as the data set holds it: of its declared type, as it is served; lists and the like as they lie in the table.</summary>
    private string Feature(SelectedView view, Dictionary<string, string> types, FieldModel field)
    {
        var source = ViewColumns.SourceColumn(view.View, field.Name);
        var type = Type(view, types, source);
        return field.Type switch
        {
            _ when asFeast => LakeSql.Name(source),
            Kind.Float => $"CAST({LakeSql.Name(source)} AS FLOAT)",
            Kind.UnixTimestamp => $"CAST({FeatureCells.Sql(source, type, field.Type)} AS TIMESTAMPTZ)",
            Kind.Int64 or Kind.Int32 or Kind.Double or Kind.Bool or Kind.String or Kind.Bytes => FeatureCells.Sql(source, type, field.Type),
            _ => LakeSql.Name(source),
        };
    }

    private static string Type(SelectedView view, Dictionary<string, string> types, string column) => types.TryGetValue(column, out var type)
        ? type
        : throw Lacks(view, column);

    private static DeltaException Lacks(SelectedView view, string column) =>
        new($"{view.View.Source.Path} has no column {column}, which view {view.View.Name} needs; correct the view or its source.");
}

/// <summary>A view whose rows were brought.</summary>
/// <param name="HasEnds">Whether a row ends.</param>
/// <param name="Left">A query of <c>sid</c> and the features that were left in the source; null if there are none.</param>
internal sealed record OpenedView(bool HasEnds, string? Left);
