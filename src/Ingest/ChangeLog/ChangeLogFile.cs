using Microsoft.Data.Sqlite;

namespace FeatureStore.Ingest.ChangeLog;

/// <summary>The SQLite file under the change log: its tables, one connection, and at most one open transaction.</summary>
internal sealed class ChangeLogFile : IDisposable
{
    // Grows with the tables below; a file with a number that is not known is refused instead of being misread.
    private const long LayoutVersion = 4;
    private const long LayoutWithoutSums = 3;
    private const long LayoutWithoutHeaders = 2;

    private const string Schema =
        """
        CREATE TABLE IF NOT EXISTS log (one INTEGER PRIMARY KEY CHECK (one = 1), cluster_id TEXT NOT NULL, next_lsn INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS topics (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, topic_id TEXT NOT NULL, next_offset INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS messages (topic INTEGER NOT NULL, offset INTEGER NOT NULL, key BLOB, value BLOB, create_half INTEGER NOT NULL,
            timestamp_ms INTEGER NOT NULL, headers TEXT, sum INTEGER, PRIMARY KEY (topic, offset)) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS messages_by_key ON messages (topic, key, offset);
        CREATE TABLE IF NOT EXISTS imports (id TEXT PRIMARY KEY, shift_weeks INTEGER NOT NULL, rows_done INTEGER NOT NULL, completed INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS positions (topic INTEGER NOT NULL, consumer TEXT NOT NULL, offset INTEGER NOT NULL, PRIMARY KEY (topic, consumer)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS dead_letters (topic INTEGER NOT NULL, offset INTEGER NOT NULL, byte_position INTEGER NOT NULL, reason TEXT NOT NULL,
            path TEXT NOT NULL DEFAULT '$', replay INTEGER, PRIMARY KEY (topic, offset)) WITHOUT ROWID;
        """;

    private const string AddHeaders =
        """
        BEGIN IMMEDIATE;
        ALTER TABLE messages ADD COLUMN headers TEXT;
        ALTER TABLE dead_letters ADD COLUMN path TEXT NOT NULL DEFAULT '$';
        ALTER TABLE dead_letters ADD COLUMN replay INTEGER;
        PRAGMA user_version = 3;
        COMMIT;
        """;

    private const string AddSums =
        """
        BEGIN IMMEDIATE;
        ALTER TABLE messages ADD COLUMN sum INTEGER;
        PRAGMA user_version = 4;
        COMMIT;
        """;

    private readonly string _path;
    private readonly SqliteConnection _connection;
    private SqliteTransaction? _transaction;

    private ChangeLogFile(string path, SqliteConnection connection)
    {
        _path = path;
        _connection = connection;
    }

    /// <exception cref="ChangeLogException">The file is damaged, of another version, or cannot be written.</exception>
    public static ChangeLogFile Open(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        var file = new ChangeLogFile(path, connection);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            connection.Open();
            file.Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
            file.CheckLayout();
            file.Execute($"{Schema} PRAGMA user_version = {LayoutVersion};");
            return file;
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException or ChangeLogException)
        {
            connection.Dispose();
            throw e as ChangeLogException ?? new ChangeLogException(
                $"The change log {path} cannot be opened: {e.Message}. If it is damaged, restore it, or remove it and import again.", e);
        }
    }

    public void Dispose()
    {
        _transaction?.Dispose();
        _connection.Dispose();
    }

    /// <summary>Runs work whose SQLite failures name the file.</summary>
    public T Guarded<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is SqliteException or InvalidCastException)
        {
            // A damaged page may give a cell of another type, which the driver tells in exceptions of its own.
            throw Damaged(e.Message, e);
        }
    }

    /// <summary>What to throw when the file cannot be trusted.</summary>
    public ChangeLogException Damaged(string detail, Exception? cause = null) =>
        new($"The change log {_path} failed: {detail}. If it is damaged, restore it, or remove it and import again.", cause);

    /// <summary>Runs work in one transaction; whatever it throws leaves the file as it was.</summary>
    public T InTransaction<T>(Func<T> work) => Guarded(() =>
    {
        // Not deferred: two processes wait for each other here instead of failing when they turn from reading to writing.
        using var transaction = _connection.BeginTransaction(deferred: false);
        _transaction = transaction;
        try
        {
            var result = work();
            transaction.Commit();
            return result;
        }
        finally
        {
            _transaction = null;
        }
    });

    /// <summary>A command within the open transaction, if there is one.</summary>
    public SqliteCommand Command(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.Transaction = _transaction;
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        return command;
    }

    public void Execute(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using var command = Command(sql, parameters);
        command.ExecuteNonQuery();
    }

    /// <summary>The one number or text a query gives.</summary>
    public T Scalar<T>(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using var command = Command(sql, parameters);
        return (T)(command.ExecuteScalar() ?? throw new ChangeLogException($"The change log {_path} lacks a row it must have; restore it, or remove it and import again."));
    }

    private void CheckLayout()
    {
        var version = Scalar<long>("PRAGMA user_version");
        var tables = Scalar<long>("SELECT count(*) FROM sqlite_master");
        if (tables == 0 || version == LayoutVersion)
        {
            return;
        }

        if (version is not (LayoutWithoutHeaders or LayoutWithoutSums))
        {
            throw new ChangeLogException(
                $"The change log {_path} has layout {version}, and this program reads {LayoutVersion}; use the program that wrote it, or another file, and import again.");
        }

        Execute(version == LayoutWithoutHeaders ? AddHeaders + AddSums : AddSums);
    }
}
