using System.Text;
using System.Text.Json;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake.Log;

namespace FeatureStore.OfflineStore.Lake.Tables;

/// <summary>
/// Delta's statistics of the rows of a file, gathered by the query that groups them: least and greatest value as JSON text, and nulls. A
/// bound that Delta's text cannot say (NaN, an infinity, years beyond 9999) is left out: unknown, never empty.
/// </summary>
internal sealed class ColumnStatistics
{
    private const int TextMax = 32; // Characters, as other writers cut.
    private readonly IReadOnlyList<TableField> _fields;

    public ColumnStatistics(IReadOnlyList<TableField> fields, DeltaMetadata metadata)
    {
        var taken = fields.Where(f => !f.IsNested && !f.IsVoid && !metadata.PartitionColumns.Contains(f.Name));
        var settings = new TableSettings(metadata.Configuration);
        _fields = settings.StatisticsColumns is { } named ? [.. taken.Where(f => named.Contains(f.Name))]
            : settings.StatisticsColumnsMax is { } max ? [.. taken.Take(max)]
            : [.. taken];
    }

    /// <summary>Columns in each row of the grouping query: null count, least, greatest for each column in turn.</summary>
    public IEnumerable<string> Terms => _fields.SelectMany(f =>
    {
        var name = LakeSql.Name(f.Name);
        var (least, greatest) = Bounds(f.Sql, name);
        return new[] { $"count(*) - count({name})", $"CAST({least} AS VARCHAR)", $"CAST({greatest} AS VARCHAR)" };
    });

    /// <summary>What a row of the grouping query says.</summary>
    /// <param name="first">Number of the first of <see cref="Terms"/>.</param>
    public ColumnBounds Read(DuckDbReader reader, int first, int row)
    {
        string? Text(int column) => reader.IsNull(column, row) ? null : reader.Text(column, row);
        var columns = Enumerable.Range(0, _fields.Count).Select(f => first + (3 * f)).ToList();
        return new ColumnBounds(
            [.. columns.Select(c => Text(c + 1))],
            [.. columns.Select(c => Text(c + 2))],
            [.. columns.Select(c => reader.Int64(c, row))]);
    }

    /// <summary>Rows and statistics of a relation that goes whole into one file.</summary>
    public (long Rows, string Json) Of(DuckDbConnection connection, string relation, CancellationToken cancellationToken)
    {
        using var reader = connection.Query($"SELECT {string.Join(", ", Terms.Prepend("count(*)"))} FROM {relation} r", cancellationToken);
        _ = reader.NextChunk();
        var rows = reader.Int64(0, 0);
        return (rows, Json(rows, Read(reader, 1, 0), isWhole: true));
    }

    /// <summary>The statistics as JSON.</summary>
    /// <param name="isWhole">False if the bounds are of more rows than the file has.</param>
    public string Json(long rows, ColumnBounds bounds, bool isWhole)
    {
        var text = new StringBuilder($"{{\"numRecords\":{rows}");
        Members(text, "minValues", f => bounds.Least[f]);
        Members(text, "maxValues", f => bounds.Greatest[f]);
        if (isWhole)
        {
            Members(text, "nullCount", f => bounds.Nulls[f].ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        return text.Append('}').ToString();
    }

    private void Members(StringBuilder text, string name, Func<int, string?> value)
    {
        var members = _fields.Select((f, i) => (f.Name, Value: value(i))).Where(m => m.Value is not null)
            .Select(m => $"{JsonSerializer.Serialize(m.Name)}:{m.Value}");
        text.Append($",\"{name}\":{{").AppendJoin(',', members).Append('}');
    }

    private static (string Least, string Greatest) Bounds(string type, string name) => type switch
    {
        "VARCHAR" => ($"to_json(left(min({name}), {TextMax}))", GreatestText($"max({name})")),
        "FLOAT" or "DOUBLE" => (Finite(name, "min"), Finite(name, "max")),
        "DATE" => (Dated(name, "min"), Dated(name, "max")),
        "TIMESTAMP WITH TIME ZONE" => (Timed(name, "min"), Timed(name, "max")),
        "BOOLEAN" or "BLOB" => ("NULL", "NULL"),
        _ => ($"min({name})", $"max({name})"),
    };

    // What is cut off is less than a character that is greater than the first one cut.
    private static string GreatestText(string max) =>
        $"to_json(CASE WHEN length({max}) <= {TextMax} THEN {max} ELSE left({max}, {TextMax}) || chr(CASE WHEN unicode(substr({max}, {TextMax + 1}, 1)) < 127 THEN 127 ELSE 1114111 END) END)";

    private static string Finite(string name, string bound) =>
        $"CASE WHEN bool_or(isnan({name}) OR isinf({name})) THEN NULL ELSE to_json(CAST({bound}({name}) AS DOUBLE)) END";

    private static string Dated(string name, string bound) =>
        $"CASE WHEN year(min({name})) >= 1 AND year(max({name})) <= 9999 THEN to_json(CAST({bound}({name}) AS VARCHAR)) END";

    private static string Timed(string name, string bound) =>
        $"CASE WHEN year(min({name})) >= 1 AND year(max({name})) <= 9999 THEN to_json(strftime({bound}({name}), '%Y-%m-%dT%H:%M:%S.%fZ')) END";
}

/// <summary>Bounds of columns in turn, as JSON text where they are known, and their nulls.</summary>
internal sealed record ColumnBounds(IReadOnlyList<string?> Least, IReadOnlyList<string?> Greatest, IReadOnlyList<long> Nulls);
