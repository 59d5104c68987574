using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.Lake.Tables;

/// <summary>Parquet files of whatever writer as a FROM term.</summary>
internal static class PlainParquet
{
    /// <summary>The files' rows; columns are joined by name.</summary>
    /// <exception cref="DeltaException">A file counts its days by another calendar.</exception>
    /// <exception cref="DuckDbException">A file is damaged, encrypted or of a codec that the engine lacks; the message names it.</exception>
    public static string From(DuckDbConnection connection, IEnumerable<string> paths, CancellationToken cancellationToken)
    {
        var list = $"[{string.Join(", ", paths.Select(LakeSql.Path))}]";
        EnsureCalendar(connection, list, cancellationToken);
        return $"read_parquet({list}, union_by_name = true, hive_partitioning = false)";
    }

    // Spark notes in the footer that days before 1582-10-15 are Julian. Who does not look reads other days, so the file is refused.
    private static void EnsureCalendar(DuckDbConnection connection, string list, CancellationToken cancellationToken)
    {
        using var reader = connection.Query(
            $"SELECT file_name FROM parquet_kv_metadata({list}) WHERE key IN (encode('org.apache.spark.legacyDateTime'), encode('org.apache.spark.legacyINT96')) LIMIT 1",
            cancellationToken);
        if (reader.NextChunk())
        {
            throw new DeltaException(
                $"{reader.Text(0, 0)} has dates in the Julian calendar (Spark's rebase mode LEGACY). Write it again with spark.sql.parquet.datetimeRebaseModeInWrite=CORRECTED.");
        }
    }
}
