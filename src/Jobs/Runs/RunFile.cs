using Microsoft.Data.Sqlite;

namespace FeatureStore.Jobs.Runs;

/// <summary>The SQLite file that holds leases and the history of runs. Safe for several processes; an instance is for one thread at a time.</summary>
public sealed class RunFile : IDisposable
{
    private const long LayoutVersion = 1;

    // Times are microseconds since the epoch. A lease's row stays after its release, so that its fence never goes back.
    // A run of a flow is a row of runs too. Programs of this layout that know no flows read past their tables.
    private const string Schema =
        """
        CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, owner TEXT, fence INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, project TEXT NOT NULL, view TEXT NOT NULL,
            state TEXT NOT NULL, fence INTEGER NOT NULL, range_start INTEGER, range_end INTEGER, started INTEGER NOT NULL, ended INTEGER,
            rows_read INTEGER NOT NULL DEFAULT 0, rows_written INTEGER NOT NULL DEFAULT 0, rows_skipped INTEGER NOT NULL DEFAULT 0, table_version INTEGER, error TEXT);
        CREATE INDEX IF NOT EXISTS runs_by_view ON runs (project, view, id);
        CREATE TABLE IF NOT EXISTS flow_plans (project TEXT NOT NULL, flow TEXT NOT NULL, planned_to INTEGER NOT NULL, PRIMARY KEY (project, flow)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS flow_runs (run INTEGER PRIMARY KEY, project TEXT NOT NULL, flow TEXT NOT NULL, logical INTEGER NOT NULL, cause TEXT NOT NULL,
            backfill INTEGER, UNIQUE (project, flow, logical));
        CREATE TABLE IF NOT EXISTS flow_attempts (run INTEGER NOT NULL, step TEXT NOT NULL, attempt INTEGER NOT NULL, state TEXT NOT NULL, started INTEGER NOT NULL,
            ended INTEGER, retry_at INTEGER, note TEXT, PRIMARY KEY (run, step, attempt)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS backfills (id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, flow TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
            again INTEGER NOT NULL, state TEXT NOT NULL, created INTEGER NOT NULL);
        """;

    private readonly string _path;
    private readonly SqliteConnection _connection;

    private RunFile(string path, SqliteConnection connection)
    {
        _path = path;
        _connection = connection;
    }

    /// <summary>Opens the file, making it and its folder if they are not there.</summary>
    /// <exception cref="RunFileException">It is damaged, of another version, or cannot be written.</exception>
    public static RunFile Open(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 30 }.ToString());
        var file = new RunFile(path, connection);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            connection.Open();
            file.Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");

            // Two that open a new file at once see it empty or whole.
            file.InTransaction(() =>
            {
                file.CheckLayout();
                return file.Execute($"{Schema} PRAGMA user_version = {LayoutVersion};");
            });
            return file;
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException or RunFileException)
        {
            connection.Dispose();
            throw e as RunFileException ?? new RunFileException(
                $"The file of runs {path} cannot be opened: {e.Message}. If it is damaged, remove it; runs and leases start anew, features stay.", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    /// <summary>Runs work in one transaction that takes the file's write lock at once.</summary>
    internal T InTransaction<T>(Func<T> work)
    {
        try
        {
            using var transaction = _connection.BeginTransaction(deferred: false);
            var result = work();
            transaction.Commit();
            return result;
        }
        catch (SqliteException e)
        {
            throw new RunFileException($"The file of runs {_path} failed: {e.Message}. If it is damaged, remove it; runs and leases start anew, features stay.", e);
        }
    }

    internal int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(sql, parameters);
        return command.ExecuteNonQuery();
    }

    internal IReadOnlyList<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(sql, parameters);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    private SqliteCommand Command(string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }

        return command;
    }

    private void CheckLayout()
    {
        var version = Query("PRAGMA user_version", r => r.GetInt64(0))[0];
        if (version != LayoutVersion && Query("SELECT count(*) FROM sqlite_master", r => r.GetInt64(0))[0] > 0)
        {
            throw new RunFileException($"The file of runs {_path} has layout {version}, and this program reads {LayoutVersion}; use the program that wrote it, or remove the file.");
        }
    }
}

/// <summary>The file of runs cannot be used; the message names it and the way out.</summary>
public sealed class RunFileException(string message, Exception? cause = null) : Exception(message, cause);
