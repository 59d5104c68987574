using System.Globalization;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.DataSets;

/// <summary>Counts what stands in the columns of a data set, from the written files.</summary>
internal static class ColumnStatistics
{
    private const int FooterTerms = 4;
    private const int ReadTerms = 4;

    /// <param name="parts">Parquet files in the order of their rows.</param>
    /// <param name="from">For each column, what it was made from.</param>
    public static IReadOnlyList<DataSetColumn> Read(
        DuckDbConnection connection, IReadOnlyList<string> parts, IReadOnlyList<string> from, long rows, CancellationToken cancellationToken)
    {
        var list = string.Join(", ", parts.Select(LakeSql.Text));
        var files = $"read_parquet([{list}], hive_partitioning = false)";
        var columns = connection.Describe($"SELECT * FROM {files}", cancellationToken);

        // The footers tell numbers of nulls, and bounds unless a NaN is among them; only the rest is read.
        var footers = connection.Texts(
            $"SELECT {string.Join(", ", columns.SelectMany(c => Footer(c.Name, c.Type)).Select((t, i) => $"{t} AS t{i}"))} FROM parquet_metadata([{list}])", cancellationToken)[0];
        var read = columns.SelectMany((c, i) => Terms(LakeSql.Name(c.Name), c.Type, footers.AsSpan(i * FooterTerms, FooterTerms))).ToList();

        // A sum of doubles depends on the order of its terms, which on one thread is that of the rows.
        var threads = connection.Number("SELECT CAST(current_setting('threads') AS BIGINT)", cancellationToken);
        connection.Execute("SET threads = 1", cancellationToken);
        var cells = connection.Texts($"SELECT {string.Join(", ", read.Select((t, i) => $"{t} AS t{i}"))} FROM {files}", cancellationToken)[0];
        connection.Execute($"SET threads = {threads}", cancellationToken);
        return [.. columns.Select((c, i) => Column(c.Name, c.Type, from[i], rows, footers.AsSpan(i * FooterTerms, FooterTerms), cells.AsSpan(i * ReadTerms, ReadTerms)))];
    }

    private static DataSetColumn Column(string name, string type, string from, long rows, ReadOnlySpan<string?> footer, ReadOnlySpan<string?> read)
    {
        var nulls = footer[0] is { } told ? long.Parse(told, CultureInfo.InvariantCulture) : rows - long.Parse(read[3]!, CultureInfo.InvariantCulture);
        double? mean = double.TryParse(read[2], NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
        return new DataSetColumn(name, type, from, nulls, rows == 0 ? 0 : (double)nulls / rows, footer[1] ?? read[0], footer[2] ?? read[1], mean);
    }

    /// <summary>Nulls, least, greatest, and whether the bounds of every row group are known.</summary>
    private static string[] Footer(string name, string type)
    {
        var chunk = $"FILTER (path_in_schema = {LakeSql.Text(name)})";
        var known = IsNumber(type) ? $"bool_and((stats_min_value IS NOT NULL AND stats_max_value IS NOT NULL) OR stats_null_count = num_values) {chunk}" : "false";
        string Bound(string function) => IsNumber(type) ? $"CASE WHEN {known} THEN {function}(TRY_CAST(stats_{function}_value AS {type})) {chunk} END" : "CAST(NULL AS VARCHAR)";
        return [$"CAST(sum(stats_null_count) {chunk} AS BIGINT)", Bound("min"), Bound("max"), known];
    }

    /// <summary>Least, greatest, mean, and the count of values, as far as they have to be read; the footers have no count for lists.</summary>
    private static string[] Terms(string column, string type, ReadOnlySpan<string?> footer)
    {
        var hasBounds = footer[3] != "true" && (IsNumber(type) || type is "VARCHAR" or "BOOLEAN" or "DATE" || type.StartsWith("TIMESTAMP", StringComparison.Ordinal));
        var mean = type == "BOOLEAN" ? $"avg(CAST({column} AS INTEGER))" : $"avg({column}){(IsReal(type) && !IsFinite(footer) ? $" FILTER (isfinite({column}))" : string.Empty)}";
        return
        [
            hasBounds ? $"min({column})" : "CAST(NULL AS VARCHAR)",
            hasBounds ? $"max({column})" : "CAST(NULL AS VARCHAR)",
            IsNumber(type) || type == "BOOLEAN" ? mean : "CAST(NULL AS VARCHAR)",
            footer[0] is null ? $"count({column})" : "CAST(NULL AS VARCHAR)",
        ];
    }

    // To ask every cell would cost as much as to add them.
    private static bool IsFinite(ReadOnlySpan<string?> footer) =>
        footer[3] == "true" && footer[1] is { } least && footer[2] is { } greatest && !least.Contains("inf", StringComparison.Ordinal) && !greatest.Contains("inf", StringComparison.Ordinal);

    private static bool IsReal(string type) => type is "DOUBLE" or "FLOAT";

    private static bool IsNumber(string type) =>
        IsReal(type) || type.EndsWith("INT", StringComparison.Ordinal) || type == "INTEGER" || type.StartsWith("DECIMAL", StringComparison.Ordinal);
}
