using System.Globalization;
using System.Runtime.InteropServices;

namespace FeatureStore.DuckDb;

/// <summary>Bounds of one database instance.</summary>
/// <param name="MemoryLimitMiB">Most memory DuckDB takes before it spills, in MiB; null leaves its default.</param>
/// <param name="Threads">Worker threads; null leaves DuckDB's default, one per core.</param>
/// <param name="TempDirectory">Where it spills; null leaves its default.</param>
public sealed record DuckDbOptions(int? MemoryLimitMiB = null, int? Threads = null, string? TempDirectory = null);

/// <summary>DuckDB refused a statement; the message is DuckDB's own.</summary>
public sealed class DuckDbException(string message, string? sql = null) : Exception(message)
{
    /// <summary>The statement that failed, where there was one.</summary>
    public string? Sql { get; } = sql;

    /// <summary>True if the statement found no room within <c>memory_limit</c>, also by spilling.</summary>
    public bool IsOutOfMemory { get; } = message.StartsWith("Out of Memory Error", StringComparison.Ordinal);
}

/// <summary>A database instance, in memory or in a file; make one connection per thread. Not loaded with extensions from outside.</summary>
public sealed class DuckDbDatabase : IDisposable
{
    private nint _database;

    private DuckDbDatabase(nint database) => _database = database;

    /// <summary>Raised once, when the database is closed: files that its statements read are free from then on.</summary>
    public event EventHandler? Closed;

    /// <summary>Opens <paramref name="path"/>, or an instance in memory when it is null.</summary>
    /// <exception cref="DuckDbException">The file is no database or is held by another process.</exception>
    public static DuckDbDatabase Open(string? path, DuckDbOptions options)
    {
        _ = NativeDuckDb.CreateConfig(out var config);
        try
        {
            Set(config, "autoinstall_known_extensions", "false");
            if (options.MemoryLimitMiB is { } memory)
            {
                if (memory < 1)
                {
                    // DuckDB takes a negative limit as none at all.
                    throw new DuckDbException($"memory_limit = {memory} MiB is no bound; give at least 1.");
                }

                Set(config, "memory_limit", memory.ToString(CultureInfo.InvariantCulture) + "MiB");
            }

            if (options.Threads is { } threads)
            {
                Set(config, "threads", threads.ToString(CultureInfo.InvariantCulture));
            }

            if (options.TempDirectory is { } temp)
            {
                Set(config, "temp_directory", temp);
            }

            if (NativeDuckDb.OpenExt(path, out var database, config, out var error) != NativeDuckDb.Success)
            {
                var message = Marshal.PtrToStringUTF8(error) ?? "DuckDB could not open the database.";
                NativeDuckDb.Free(error);
                throw new DuckDbException($"{path ?? "in memory"}: {message}");
            }

            return new DuckDbDatabase(database);
        }
        finally
        {
            NativeDuckDb.DestroyConfig(ref config);
        }
    }

    /// <summary>A new connection; the caller disposes it before the database.</summary>
    public DuckDbConnection Connect()
    {
        ObjectDisposedException.ThrowIf(_database == 0, this);
        return NativeDuckDb.Connect(_database, out var connection) == NativeDuckDb.Success
            ? new DuckDbConnection(connection)
            : throw new DuckDbException("DuckDB gave no connection.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_database != 0)
        {
            NativeDuckDb.Close(ref _database);
            Closed?.Invoke(this, EventArgs.Empty);
        }
    }

    private static void Set(nint config, string name, string value)
    {
        if (NativeDuckDb.SetConfig(config, name, value) != NativeDuckDb.Success)
        {
            throw new DuckDbException($"DuckDB does not take the option {name} = {value}.");
        }
    }
}
