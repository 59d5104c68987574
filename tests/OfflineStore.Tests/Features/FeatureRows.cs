using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.Tests.Features;

internal static class FeatureRows
{
    /// <summary>The rows of the bank's feature table as sorted texts.</summary>
    public static List<string> Read(string root)
    {
        // As a plain Parquet reader would: every file in the folder.
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(256, 1));
        using var connection = database.Connect();
        using var reader = connection.Query(
            $"SELECT user_id, n, total, avg, least, most, vendors, epoch_us(event_timestamp), epoch_us(created_timestamp) FROM read_parquet('{root}/features/weekly/**/*.parquet')");
        var rows = new List<string>();
        while (reader.NextChunk())
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                var row = r;
                string Double(int c) => reader.IsNull(c, row) ? "null" : NaiveFeatures.Text(reader.Double(c, row));
                rows.Add($"{reader.Text(0, r)}|{reader.Int64(1, r)}|{Double(2)}|{Double(3)}|{Double(4)}|{Double(5)}|{reader.Int64(6, r)}|{reader.Int64(7, r)}|{reader.Int64(8, r)}");
            }
        }

        rows.Sort(StringComparer.Ordinal);
        return rows;
    }
}
