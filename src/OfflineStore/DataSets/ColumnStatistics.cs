using System.Globalization;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.DataSets;

/// <summary>Counts what stands in the columns of a data set, from the written files.</summary>
internal static class ColumnStatistics
{
    private const int ReadTerms = 4;

    /// <param name="connect">Opens another connection.</param>
    /// <param name="parts">Parquet files in the order of their rows.</param>
    /// <param name="from">For each column, what it was made from.</param>
    public static IReadOnlyList<DataSetColumn> Read(
        DuckDbConnection connection, Func<DuckDbConnection> connect, IReadOnlyList<string> parts, IReadOnlyList<string> from, long rows, CancellationToken cancellationToken)
    {
        var list = string.Join(", ", parts.Select(LakeSql.Text));
        var files = $"read_parquet([{list}], hive_partitioning = false)";
        var columns = connection.Describe($"SELECT * FROM {files}", cancellationToken);

        // The footers tell numbers of nulls, and bounds unless a NaN is among them; only the rest is read.
        var footers = Footers(connection, list, columns, cancellationToken);
        var read = columns.Select((c, i) => Terms(LakeSql.Name(c.Name), c.Type, footers[i])).ToList();

        // A sum of doubles depends on the order of its terms, which on one thread is that of the rows. So each thread has columns of its own.
        var threads = LakeDatabase.Threads(connection, cancellationToken);
        connection.Execute("SET threads = 1", cancellationToken);
        var cells = new string?[columns.Count][];
        Task.WhenAll(read.Index().GroupBy(t => t.Index % threads).Select(share => Task.Run(() =>
        {
            using var own = connect();
            var terms = share.SelectMany(t => t.Item).Select((t, i) => $"{t} AS t{i}");
            var told = own.Texts($"SELECT {string.Join(", ", terms)} FROM {files}", cancellationToken)[0];
            foreach (var (place, (index, _)) in share.Index())
            {
                cells[index] = told[(place * ReadTerms)..((place + 1) * ReadTerms)];
            }
        }))).GetAwaiter().GetResult();
        connection.Execute($"SET threads = {threads}", cancellationToken);
        return [.. columns.Select((c, i) => Column(c.Name, c.Type, from[i], rows, footers[i], cells[i]))];
    }

    private static DataSetColumn Column(string name, string type, string from, long rows, ReadOnlySpan<string?> footer, ReadOnlySpan<string?> read)
    {
        var nulls = footer[0] is { } told ? long.Parse(told, CultureInfo.InvariantCulture) : rows - long.Parse(read[3]!, CultureInfo.InvariantCulture);
        double? mean = double.TryParse(read[2], NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
        return new DataSetColumn(name, type, from, nulls, rows == 0 ? 0 : (double)nulls / rows, footer[1] ?? read[0], footer[2] ?? read[1], mean);
    }

    /// <summary>For each column: nulls, least, greatest, and whether the bounds of every row group are known; nulls for lists, which the footers have under other names.</summary>
    private static List<string?[]> Footers(DuckDbConnection connection, string list, List<(string Name, string Type)> columns, CancellationToken cancellationToken)
    {
        List<string> types = [.. columns.Select(c => c.Type).Where(IsNumber).Distinct()];
        var bounds = types.Select((t, i) => $", min(TRY_CAST(stats_min_value AS {t})) AS min{i}, max(TRY_CAST(stats_max_value AS {t})) AS max{i}");
        var rows = connection.Texts(
            $"""
            SELECT path_in_schema, CAST(sum(stats_null_count) AS BIGINT) AS nulls,
                bool_and((stats_min_value IS NOT NULL AND stats_max_value IS NOT NULL) OR stats_null_count = num_values) AS known{string.Concat(bounds)}
            FROM parquet_metadata([{list}]) GROUP BY path_in_schema
            """,
            cancellationToken).ToDictionary(r => r[0]!);
        return [.. columns.Select(c => Footer(rows.GetValueOrDefault(c.Name), types.IndexOf(c.Type)))];
    }

    private static string?[] Footer(string?[]? row, int type)
    {
        var isKnown = type >= 0 && row?[2] == "true";
        return [row?[1], isKnown ? row![3 + (2 * type)] : null, isKnown ? row![4 + (2 * type)] : null, isKnown ? "true" : "false"];
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
