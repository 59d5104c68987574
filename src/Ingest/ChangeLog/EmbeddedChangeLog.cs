using Microsoft.Data.Sqlite;

namespace FeatureStore.Ingest.ChangeLog;

/// <summary>
/// The change log without a broker: one SQLite file with topics, messages and offsets. One writer at a time, any number
/// of readers (WAL). An append is durable when the call returns, whole or not at all.
/// </summary>
public sealed class EmbeddedChangeLog : IDisposable
{
    private const string Schema =
        """
        CREATE TABLE IF NOT EXISTS log (one INTEGER PRIMARY KEY CHECK (one = 1), cluster_id TEXT NOT NULL, next_lsn INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS topics (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, topic_id TEXT NOT NULL, next_offset INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS messages (topic INTEGER NOT NULL, offset INTEGER NOT NULL, key BLOB, value BLOB, create_half INTEGER NOT NULL,
            PRIMARY KEY (topic, offset)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS imports (id TEXT PRIMARY KEY, shift_weeks INTEGER NOT NULL, rows_done INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS dead_letters (topic INTEGER NOT NULL, offset INTEGER NOT NULL, byte_position INTEGER NOT NULL, reason TEXT NOT NULL,
            PRIMARY KEY (topic, offset)) WITHOUT ROWID;
        """;

    private readonly string _path;
    private readonly SqliteConnection _connection;

    private EmbeddedChangeLog(string path, SqliteConnection connection, string clusterId)
    {
        _path = path;
        _connection = connection;
        ClusterId = clusterId;
    }

    /// <summary>Chosen when the file was made; part of the identity under which the lake keeps progress.</summary>
    public string ClusterId { get; }

    /// <summary>Opens the file, making it and its folder if they are not there.</summary>
    /// <exception cref="ChangeLogException">The file is damaged or cannot be written.</exception>
    public static EmbeddedChangeLog Open(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + Schema;
            command.ExecuteNonQuery();
            command.CommandText = "INSERT OR IGNORE INTO log VALUES (1, $id, 1)";
            command.Parameters.AddWithValue("$id", Guid.NewGuid().ToString("N"));
            command.ExecuteNonQuery();
            command.CommandText = "SELECT cluster_id FROM log";
            return new EmbeddedChangeLog(path, connection, (string)command.ExecuteScalar()!);
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            connection.Dispose();
            throw new ChangeLogException(
                $"The change log {path} cannot be opened: {e.Message}. If it is damaged, restore it, or remove it and import again.", e);
        }
    }

    /// <summary>The topic of that name, made if it is not there.</summary>
    public LogTopic Topic(string name) => Guarded(() =>
    {
        using (var insert = Command("INSERT OR IGNORE INTO topics (name, topic_id, next_offset) VALUES ($name, $id, 0)", null))
        {
            insert.Parameters.AddWithValue("$name", name);
            insert.Parameters.AddWithValue("$id", Guid.NewGuid().ToString("N"));
            insert.ExecuteNonQuery();
        }

        using var select = Command("SELECT id, topic_id FROM topics WHERE name = $name", null);
        select.Parameters.AddWithValue("$name", name);
        using var reader = select.ExecuteReader();
        reader.Read();
        return new LogTopic(reader.GetInt64(0), name, reader.GetString(1));
    });

    /// <summary>Messages in the topic; also the offset of the next.</summary>
    public long NextOffset(LogTopic topic) => Guarded(() => Scalar("SELECT next_offset FROM topics WHERE id = $id", topic, null));

    /// <summary>Progress of an import, null when it never began: weeks of shift, and source rows already appended.</summary>
    public (int ShiftWeeks, long RowsDone)? Import(string importId) => Guarded(() =>
    {
        using var select = Command("SELECT shift_weeks, rows_done FROM imports WHERE id = $id", null);
        select.Parameters.AddWithValue("$id", importId);
        using var reader = select.ExecuteReader();
        return reader.Read() ? (reader.GetInt32(0), reader.GetInt64(1)) : ((int, long)?)null;
    });

    /// <summary>
    /// Appends messages made from the LSNs they are given: <paramref name="make"/> is called once per index with a
    /// log-wide increasing LSN. With <paramref name="import"/>, the import's progress is stored in the same transaction.
    /// </summary>
    /// <returns>The offset of the first appended message.</returns>
    public long Append(LogTopic topic, int count, Func<int, long, LogMessage> make, (string Id, int ShiftWeeks, long RowsDone)? import = null) =>
        Guarded(() =>
        {
            using var transaction = _connection.BeginTransaction(deferred: false);
            var first = Scalar("SELECT next_offset FROM topics WHERE id = $id", topic, transaction);
            var lsn = Scalar("SELECT next_lsn FROM log", topic, transaction);
            using var insert = Command("INSERT INTO messages VALUES ($topic, $offset, $key, $value, $half)", transaction);
            var parameters = new[] { "$topic", "$offset", "$key", "$value", "$half" }.Select(n => insert.Parameters.AddWithValue(n, DBNull.Value)).ToArray();
            for (var i = 0; i < count; i++)
            {
                var message = make(i, lsn + i);
                parameters[0].Value = topic.RowId;
                parameters[1].Value = first + i;
                parameters[2].Value = message.Key ?? (object)DBNull.Value;
                parameters[3].Value = message.Value ?? (object)DBNull.Value;
                parameters[4].Value = message.CreateHalf ? 1 : 0;
                insert.ExecuteNonQuery();
            }

            Execute("UPDATE topics SET next_offset = $n WHERE id = $id", transaction, ("$n", first + count), ("$id", topic.RowId));
            Execute("UPDATE log SET next_lsn = $n", transaction, ("$n", lsn + count));
            if (import is { } progress)
            {
                Execute(
                    "INSERT INTO imports VALUES ($id, $shift, $rows) ON CONFLICT (id) DO UPDATE SET rows_done = excluded.rows_done",
                    transaction,
                    ("$id", progress.Id),
                    ("$shift", progress.ShiftWeeks),
                    ("$rows", progress.RowsDone));
            }

            transaction.Commit();
            return first;
        });

    /// <summary>At most <paramref name="messagesMax"/> messages from an offset on, in order.</summary>
    public IReadOnlyList<StoredMessage> Read(LogTopic topic, long fromOffset, int messagesMax) => Guarded(() =>
    {
        using var select = Command(
            "SELECT offset, key, value, create_half FROM messages WHERE topic = $topic AND offset >= $from ORDER BY offset LIMIT $max", null);
        select.Parameters.AddWithValue("$topic", topic.RowId);
        select.Parameters.AddWithValue("$from", fromOffset);
        select.Parameters.AddWithValue("$max", messagesMax);
        using var reader = select.ExecuteReader();
        var messages = new List<StoredMessage>();
        while (reader.Read())
        {
            messages.Add(new StoredMessage(
                reader.GetInt64(0),
                new LogMessage(reader.IsDBNull(1) ? null : (byte[])reader[1], reader.IsDBNull(2) ? null : (byte[])reader[2], reader.GetInt64(3) == 1)));
        }

        return messages;
    });

    /// <summary>Notes that a message is no change event; noting it again changes nothing.</summary>
    public void NoteDeadLetter(LogTopic topic, long offset, long bytePosition, string reason) => Guarded(() =>
    {
        using var transaction = _connection.BeginTransaction(deferred: false);
        Execute(
            "INSERT OR REPLACE INTO dead_letters VALUES ($topic, $offset, $position, $reason)",
            transaction,
            ("$topic", topic.RowId),
            ("$offset", offset),
            ("$position", bytePosition),
            ("$reason", reason));
        transaction.Commit();
        return 0;
    });

    /// <summary>The topic's messages that were no change events, by offset.</summary>
    public IReadOnlyList<(long Offset, long BytePosition, string Reason)> DeadLetters(LogTopic topic) => Guarded(() =>
    {
        using var select = Command("SELECT offset, byte_position, reason FROM dead_letters WHERE topic = $topic ORDER BY offset", null);
        select.Parameters.AddWithValue("$topic", topic.RowId);
        using var reader = select.ExecuteReader();
        var letters = new List<(long, long, string)>();
        while (reader.Read())
        {
            letters.Add((reader.GetInt64(0), reader.GetInt64(1), reader.GetString(2)));
        }

        return letters;
    });

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    private SqliteCommand Command(string sql, SqliteTransaction? transaction)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.Transaction = transaction;
        return command;
    }

    private long Scalar(string sql, LogTopic topic, SqliteTransaction? transaction)
    {
        using var command = Command(sql, transaction);
        command.Parameters.AddWithValue("$id", topic.RowId);
        return (long)(command.ExecuteScalar() ?? throw new ChangeLogException($"The change log {_path} has no topic '{topic.Name}'."));
    }

    private void Execute(string sql, SqliteTransaction transaction, params (string Name, object Value)[] parameters)
    {
        using var command = Command(sql, transaction);
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        command.ExecuteNonQuery();
    }

    private T Guarded<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (SqliteException e)
        {
            throw new ChangeLogException($"The change log {_path} failed: {e.Message}. If it is damaged, restore it, or remove it and import again.", e);
        }
    }
}
