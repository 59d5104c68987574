using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>The in-memory DuckDB that reads and writes the lake's files, within fixed bounds.</summary>
internal static class LakeDatabase
{
    private const int MemoryLimitMiB = 1024; // Larger work spills to the temporary folder.
    private const int Threads = 2;

    public static DuckDbDatabase Open() =>
        DuckDbDatabase.Open(null, new DuckDbOptions(MemoryLimitMiB, Threads, Path.Combine(Path.GetTempPath(), "fstore-duckdb")));

    /// <summary>A connection that reads and writes every instant in UTC.</summary>
    public static DuckDbConnection Connect(DuckDbDatabase database, CancellationToken cancellationToken)
    {
        var connection = database.Connect();
        connection.Execute("SET TimeZone = 'UTC'", cancellationToken);
        return connection;
    }
}
