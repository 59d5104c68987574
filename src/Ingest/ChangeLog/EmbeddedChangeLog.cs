using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace FeatureStore.Ingest.ChangeLog;

/// <summary>
/// The change log without a broker: one SQLite file with topics, messages and offsets. One writer at a time, any number
/// of readers (WAL). An append is durable when the call returns, whole or not at all. An instance is for one thread.
/// </summary>
public sealed class EmbeddedChangeLog : IDisposable
{
    private readonly ChangeLogFile _file;
    private readonly TimeProvider _time;

    private EmbeddedChangeLog(ChangeLogFile file, TimeProvider time, string clusterId)
    {
        _file = file;
        _time = time;
        ClusterId = clusterId;
    }

    /// <summary>Chosen when the file was made; part of the identity under which the lake keeps progress.</summary>
    public string ClusterId { get; }

    /// <summary>Opens the file, making it and its folder if they are not there.</summary>
    /// <param name="time">Stamps the messages; the system's when null.</param>
    /// <exception cref="ChangeLogException">The file is damaged, of another version, or cannot be written.</exception>
    public static EmbeddedChangeLog Open(string path, TimeProvider? time = null)
    {
        var file = ChangeLogFile.Open(path);
        try
        {
            var clusterId = file.Guarded(() =>
            {
                file.Execute("INSERT OR IGNORE INTO log VALUES (1, $id, 1)", ("$id", Guid.NewGuid().ToString("N")));
                return file.Scalar<string>("SELECT cluster_id FROM log");
            });
            return new EmbeddedChangeLog(file, time ?? TimeProvider.System, clusterId);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The topic of that name, made if it is not there.</summary>
    public LogTopic Topic(string name) => _file.Guarded(() =>
    {
        _file.Execute(
            "INSERT OR IGNORE INTO topics (name, topic_id, next_offset) VALUES ($name, $id, 0)", ("$name", name), ("$id", Guid.NewGuid().ToString("N")));
        using var select = _file.Command("SELECT id, topic_id FROM topics WHERE name = $name", ("$name", name));
        using var reader = select.ExecuteReader();
        reader.Read();
        return new LogTopic(reader.GetInt64(0), name, reader.GetString(1));
    });

    /// <summary>Messages in the topic; also the offset of the next.</summary>
    public long NextOffset(LogTopic topic) => _file.Guarded(() => NextOffsetOf(topic));

    /// <summary>Progress of an import, null when it never began.</summary>
    public ImportProgress? Import(string importId) => _file.Guarded(() =>
    {
        using var select = _file.Command("SELECT shift_weeks, rows_done, completed FROM imports WHERE id = $id", ("$id", importId));
        using var reader = select.ExecuteReader();
        return reader.Read() ? new ImportProgress(importId, reader.GetInt32(0), reader.GetInt64(1), reader.GetInt64(2) == 1) : null;
    });

    /// <summary>A number that was chosen once for this log: the first choice stays, whatever later callers would choose.</summary>
    public long Keep(string name, long choice) => _file.InTransaction(() =>
    {
        _file.Execute("INSERT OR IGNORE INTO kept VALUES ($name, $number)", ("$name", name), ("$number", choice));
        return _file.Scalar<long>("SELECT number FROM kept WHERE name = $name", ("$name", name));
    });

    /// <summary>
    /// Appends messages made from the LSNs they are given: <paramref name="make"/> is called once per index with a log-wide
    /// increasing LSN, and leaves an index out by answering null (its LSN goes to the next). It may ask for <see cref="Latest"/>,
    /// which sees the messages made before. With <paramref name="import"/>, the import's progress is stored in the same transaction.
    /// </summary>
    /// <returns>The offset of the first appended message.</returns>
    public long Append(LogTopic topic, int count, Func<int, long, LogMessage?> make, ImportProgress? import = null) => _file.InTransaction(() =>
    {
        var first = NextOffsetOf(topic);
        var lsn = _file.Scalar<long>("SELECT next_lsn FROM log");
        using var insert = _file.Command("INSERT INTO messages VALUES ($topic, $offset, $key, $value, $half, $time, $headers, $sum)");
        var parameters = new[] { "$topic", "$offset", "$key", "$value", "$half", "$time", "$headers", "$sum" }
            .Select(n => insert.Parameters.AddWithValue(n, DBNull.Value)).ToArray();
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        var appended = 0;
        for (var i = 0; i < count; i++)
        {
            if (make(i, lsn + appended) is not { } message)
            {
                continue;
            }

            var headers = message.Headers is { } h ? JsonSerializer.Serialize(h) : null;
            object[] values = [topic.RowId, first + appended, message.Key ?? (object)DBNull.Value, message.Value ?? (object)DBNull.Value, message.CreateHalf ? 1 : 0, now, headers ?? (object)DBNull.Value, MessageSum.Of(message.Key, message.Value, headers, message.CreateHalf)];
            for (var p = 0; p < parameters.Length; p++)
            {
                parameters[p].Value = values[p];
            }

            insert.ExecuteNonQuery();
            appended++;
        }

        _file.Execute("UPDATE topics SET next_offset = $n WHERE id = $id", ("$n", first + appended), ("$id", topic.RowId));
        _file.Execute("UPDATE log SET next_lsn = $n", ("$n", lsn + appended));
        if (import is not null)
        {
            _file.Execute(
                "INSERT INTO imports VALUES ($id, $shift, $rows, $completed) ON CONFLICT (id) DO UPDATE SET rows_done = excluded.rows_done, completed = excluded.completed",
                ("$id", import.Id),
                ("$shift", import.ShiftWeeks),
                ("$rows", import.RowsDone),
                ("$completed", import.Completed ? 1 : 0));
        }

        return first;
    });

    /// <summary>Appends messages as they are, in one transaction.</summary>
    /// <returns>The offset of the first.</returns>
    public long Append(LogTopic topic, IReadOnlyList<LogMessage> messages) => Append(topic, messages.Count, (i, _) => messages[i]);

    /// <summary>At most <paramref name="messagesMax"/> messages from an offset on, in order; fewer when they are large, but one at least if there is any.</summary>
    /// <param name="bytesMax">Bytes of keys and values after which no further message is read.</param>
    public IReadOnlyList<StoredMessage> Read(LogTopic topic, long fromOffset, int messagesMax, long bytesMax = long.MaxValue) => _file.Guarded(() =>
    {
        using var select = _file.Command(
            "SELECT offset, key, value, create_half, timestamp_ms, headers, sum FROM messages WHERE topic = $topic AND offset >= $from ORDER BY offset LIMIT $max",
            ("$topic", topic.RowId),
            ("$from", fromOffset),
            ("$max", messagesMax));
        using var reader = select.ExecuteReader();
        var messages = new List<StoredMessage>();
        long bytes = 0;
        while (bytes < bytesMax && reader.Read())
        {
            messages.Add(Stored(reader));
            bytes += (messages[^1].Message.Key?.Length ?? 0) + (messages[^1].Message.Value?.Length ?? 0);
        }

        return messages;
    });

    /// <summary>The newest message of a key that is no tombstone, or null.</summary>
    public StoredMessage? Latest(LogTopic topic, byte[] key) => _file.Guarded(() =>
    {
        using var select = _file.Command(
            "SELECT offset, key, value, create_half, timestamp_ms, headers, sum FROM messages INDEXED BY messages_by_key WHERE topic = $topic AND key = $key AND value IS NOT NULL ORDER BY offset DESC LIMIT 1",
            ("$topic", topic.RowId),
            ("$key", key));
        using var reader = select.ExecuteReader();
        return reader.Read() ? Stored(reader) : null;
    });

    /// <summary>Notes how far a consumer came. A report for people only: consumers go on from what they stored with their effect.</summary>
    public void NotePosition(LogTopic topic, string consumer, long offset) => _file.InTransaction(() =>
    {
        _file.Execute("INSERT OR REPLACE INTO positions VALUES ($topic, $consumer, $offset)", ("$topic", topic.RowId), ("$consumer", consumer), ("$offset", offset));
        return 0;
    });

    /// <summary>The last offset each consumer reported.</summary>
    public IReadOnlyDictionary<string, long> Positions(LogTopic topic) => _file.Guarded(() =>
    {
        using var select = _file.Command("SELECT consumer, offset FROM positions WHERE topic = $topic", ("$topic", topic.RowId));
        using var reader = select.ExecuteReader();
        var positions = new Dictionary<string, long>(StringComparer.Ordinal);
        while (reader.Read())
        {
            positions.Add(reader.GetString(0), reader.GetInt64(1));
        }

        return positions;
    });

    /// <summary>Every topic, by name.</summary>
    public IReadOnlyList<LogTopic> Topics() => _file.Guarded(() =>
    {
        using var select = _file.Command("SELECT id, name, topic_id FROM topics ORDER BY name");
        using var reader = select.ExecuteReader();
        var topics = new List<LogTopic>();
        while (reader.Read())
        {
            topics.Add(new LogTopic(reader.GetInt64(0), reader.GetString(1), reader.GetString(2)));
        }

        return topics;
    });

    /// <summary>The messages that were no change events.</summary>
    public DeadLetters DeadLetters => new(_file);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    // SQLite keeps no sums of what it stores, so a bit that flipped on the disk would be read as data.
    private StoredMessage Stored(SqliteDataReader reader)
    {
        var (key, value) = (reader.IsDBNull(1) ? null : (byte[])reader[1], reader.IsDBNull(2) ? null : (byte[])reader[2]);
        var headers = reader.IsDBNull(5) ? null : reader.GetString(5);
        var isCreateHalf = reader.GetInt64(3) == 1;
        return reader.IsDBNull(6) || reader.GetInt64(6) == MessageSum.Of(key, value, headers, isCreateHalf)
            ? new StoredMessage(reader.GetInt64(0), new LogMessage(key, value, isCreateHalf, headers is null ? null : JsonSerializer.Deserialize<Dictionary<string, string>>(headers)), reader.GetInt64(4))
            : throw _file.Damaged($"message {reader.GetInt64(0)} does not have the sum that was stored with it");
    }

    private long NextOffsetOf(LogTopic topic) => _file.Scalar<long>("SELECT next_offset FROM topics WHERE id = $id", ("$id", topic.RowId));
}
