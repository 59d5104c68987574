using System.Globalization;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.DataSets;

/// <summary>Counts what stands in the columns of a data set, from the written files.</summary>
internal static class ColumnStatistics
{
    /// <param name="parts">Parquet files in the order of their rows.</param>
    /// <param name="from">For each column, what it was made from.</param>
    public static IReadOnlyList<DataSetColumn> Read(
        DuckDbConnection connection, IReadOnlyList<string> parts, IReadOnlyList<string> from, long rows, CancellationToken cancellationToken)
    {
        var files = $"read_parquet([{string.Join(", ", parts.Select(LakeSql.Text))}], hive_partitioning = false)";
        var columns = connection.Describe($"SELECT * FROM {files}", cancellationToken);
        var terms = columns.SelectMany(c => Terms(LakeSql.Name(c.Name), c.Type)).ToList();

        // A sum of doubles depends on the order of its terms, which on one thread is that of the rows.
        var threads = connection.Number("SELECT CAST(current_setting('threads') AS BIGINT)", cancellationToken);
        connection.Execute("SET threads = 1", cancellationToken);
        var cells = connection.Texts($"SELECT {string.Join(", ", terms.Select((t, i) => $"{t} AS t{i}"))} FROM {files}", cancellationToken)[0];
        connection.Execute($"SET threads = {threads}", cancellationToken);
        return [.. columns.Select((c, i) => Column(c.Name, c.Type, from[i], rows, cells.AsSpan(i * 4, 4)))];
    }

    private static DataSetColumn Column(string name, string type, string from, long rows, ReadOnlySpan<string?> cells)
    {
        var nulls = rows - long.Parse(cells[0]!, CultureInfo.InvariantCulture);
        double? mean = double.TryParse(cells[3], NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
        return new DataSetColumn(name, type, from, nulls, rows == 0 ? 0 : (double)nulls / rows, cells[1], cells[2], mean);
    }

    private static string[] Terms(string column, string type)
    {
        var isReal = type is "DOUBLE" or "FLOAT";
        var isNumber = isReal || type.EndsWith("INT", StringComparison.Ordinal) || type == "INTEGER" || type.StartsWith("DECIMAL", StringComparison.Ordinal);
        var hasBounds = isNumber || type is "VARCHAR" or "BOOLEAN" or "DATE" || type.StartsWith("TIMESTAMP", StringComparison.Ordinal);
        var mean = type == "BOOLEAN" ? $"avg(CAST({column} AS INTEGER))" : $"avg({column}){(isReal ? $" FILTER (isfinite({column}))" : string.Empty)}";
        return
        [
            $"count({column})",
            hasBounds ? $"min({column})" : "NULL",
            hasBounds ? $"max({column})" : "NULL",
            isNumber || type == "BOOLEAN" ? mean : "NULL",
        ];
    }
}
