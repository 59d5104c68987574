using System.Globalization;
using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.Tests.PointInTime;

/// <summary>A data set as it was written: columns, DuckDB's names of their types, and rows as text in their order.</summary>
internal sealed record DataSetRows(IReadOnlyList<string> Columns, IReadOnlyList<string> Types, IReadOnlyList<string> Rows)
{
    public static DataSetRows Read(string path)
    {
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(256, 1));
        using var connection = database.Connect();
        connection.Execute("SET TimeZone = 'UTC'");
        var file = $"read_parquet('{path}', hive_partitioning = false)";
        var (columns, types, rows) = (new List<string>(), new List<string>(), new List<string>());
        using (var reader = connection.Query($"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {file})"))
        {
            while (reader.NextChunk())
            {
                for (var r = 0; r < reader.RowCount; r++)
                {
                    columns.Add(reader.Text(0, r));
                    types.Add(reader.Text(1, r));
                }
            }
        }

        var cells = columns.Zip(types, (c, t) => t.StartsWith("TIMESTAMP", StringComparison.Ordinal) ? $"epoch_us(\"{c}\")" : t is "INTEGER" or "HUGEINT" ? $"CAST(\"{c}\" AS BIGINT)" : t is "FLOAT" ? $"CAST(\"{c}\" AS DOUBLE)" : $"\"{c}\"");
        using (var reader = connection.Query($"SELECT {string.Join(", ", cells)} FROM {file}"))
        {
            while (reader.NextChunk())
            {
                for (var r = 0; r < reader.RowCount; r++)
                {
                    rows.Add(string.Join('|', types.Select((t, c) => Cell(reader, t, c, r))));
                }
            }
        }

        return new DataSetRows(columns, types, rows);
    }

    /// <summary>The shortest text. Zero has one sign: Parquet's dictionaries, as DuckDB writes them, keep the first of -0.0 and 0.0.</summary>
    public static string Text(double number) => (number + 0.0).ToString("R", CultureInfo.InvariantCulture);

    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff", CultureInfo.InvariantCulture);

    private static string Cell(DuckDbReader reader, string type, int column, int row) => reader.IsNull(column, row) ? "null" : type switch
    {
        "VARCHAR" => reader.Text(column, row),
        "DOUBLE" or "FLOAT" => Text(reader.Double(column, row)),
        "BOOLEAN" => reader.Boolean(column, row) ? "true" : "false",
        _ when type.StartsWith("TIMESTAMP", StringComparison.Ordinal) => Text(DateTimeOffset.UnixEpoch.AddTicks(reader.Int64(column, row) * 10)),
        _ => reader.Int64(column, row).ToString(CultureInfo.InvariantCulture),
    };
}
