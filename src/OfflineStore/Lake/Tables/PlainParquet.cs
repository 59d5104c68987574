using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake.Tables;

/// <summary>Parquet files of whatever writer as a FROM term.</summary>
internal static class PlainParquet
{
    /// <summary>The files' rows; columns are joined by name, and folders such as <c>day=2026-11-01</c> are columns too.</summary>
    /// <exception cref="DeltaException">A file counts its days by another calendar.</exception>
    /// <exception cref="DuckDbException">A file is damaged, encrypted or of a codec that the engine lacks; the message names it.</exception>
    public static string From(DuckDbConnection connection, IEnumerable<string> paths, CancellationToken cancellationToken)
    {
        var list = $"[{string.Join(", ", paths.Select(LakeSql.Path))}]";
        EnsureCalendar(connection, list, cancellationToken);
        return $"read_parquet({list}, union_by_name = true)";
    }

    /// <summary>The file, or every Parquet file in the folder, in the order of their paths.</summary>
    /// <exception cref="DeltaException">There is none.</exception>
    public static IReadOnlyList<string> Files(LakePlace path, string view)
    {
        var files = path.PlainParquet();
        return files.Count > 0 ? files : throw new DeltaException($"{path} holds no table for view {view}; compute or write it first.");
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
