using System.Globalization;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>The in-memory DuckDB that reads and writes the lake's files, within fixed bounds.</summary>
internal static class LakeDatabase
{
    /// <summary>Opens one; it spills to a folder of its own, since two databases in one folder would take each other's files.</summary>
    public static DuckDbDatabase Open(LakeOptions? options = null)
    {
        var bounds = options ?? LakeOptions.Default;
        var database = DuckDbDatabase.Open(null, new DuckDbOptions(bounds.MemoryLimitMiB, bounds.Threads, SpillFolders.Next(bounds.SpillFolder)));
        OpenDatabases.Follow(database);
        return database;
    }

    /// <summary>A connection that reads and writes every instant in UTC.</summary>
    public static DuckDbConnection Connect(DuckDbDatabase database, CancellationToken cancellationToken)
    {
        var connection = database.Connect();
        connection.Execute("SET TimeZone = 'UTC'", cancellationToken);
        return connection;
    }

    /// <summary>How many threads the connection's database may use.</summary>
    public static int Threads(DuckDbConnection connection, CancellationToken cancellationToken) =>
        (int)connection.Number("SELECT CAST(current_setting('threads') AS BIGINT)", cancellationToken);

    /// <summary>Changes the most memory that the connection's database takes before it spills.</summary>
    public static void Bound(DuckDbConnection connection, int memoryLimitMiB, CancellationToken cancellationToken) =>
        connection.Execute(string.Create(CultureInfo.InvariantCulture, $"SET memory_limit = '{memoryLimitMiB}MiB'"), cancellationToken);
}
