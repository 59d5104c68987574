namespace FeatureStore.Ingest.ChangeLog;

/// <summary>
/// The messages of the change log that were no change events. The message itself stays where it is, in its topic, so that it can be read again after
/// whatever was wrong has been put right.
/// </summary>
public sealed class DeadLetters
{
    private readonly ChangeLogFile _file;

    internal DeadLetters(ChangeLogFile file) => _file = file;

    /// <summary>Notes messages; noting one again changes nothing but its place and reason.</summary>
    public void Note(LogTopic topic, IReadOnlyList<DeadLetter> letters) => _file.InTransaction(() =>
    {
        foreach (var letter in letters)
        {
            _file.Execute(
                """
                INSERT INTO dead_letters (topic, offset, byte_position, reason, path) VALUES ($topic, $offset, $position, $reason, $path)
                ON CONFLICT (topic, offset) DO UPDATE SET byte_position = excluded.byte_position, reason = excluded.reason, path = excluded.path
                """,
                ("$topic", topic.RowId),
                ("$offset", letter.Offset),
                ("$position", letter.BytePosition),
                ("$reason", letter.Reason),
                ("$path", letter.Path));
        }

        return 0;
    });

    /// <summary>A topic's messages, by offset, at most so many.</summary>
    public IReadOnlyList<DeadLetter> List(LogTopic topic, long fromOffset = 0, int lettersMax = int.MaxValue) =>
        Read("SELECT offset, byte_position, reason, path FROM dead_letters WHERE topic = $topic AND offset >= $from ORDER BY offset LIMIT $max", ("$topic", topic.RowId), ("$from", fromOffset), ("$max", lettersMax));

    /// <summary>How many of a topic there are.</summary>
    public long Count(LogTopic topic) => _file.Guarded(() => _file.Scalar<long>("SELECT count(*) FROM dead_letters WHERE topic = $topic", ("$topic", topic.RowId)));

    /// <summary>The replay that was begun and not ended, with its letters; null if there is none.</summary>
    internal (long Replay, IReadOnlyList<DeadLetter> Letters)? Begun(LogTopic topic)
    {
        var replay = _file.Guarded(() => _file.Scalar<long>("SELECT coalesce(min(replay), 0) FROM dead_letters WHERE topic = $topic AND replay IS NOT NULL", ("$topic", topic.RowId)));
        return replay == 0 ? null
            : (replay, Read("SELECT offset, byte_position, reason, path FROM dead_letters WHERE topic = $topic AND replay = $replay ORDER BY offset", ("$topic", topic.RowId), ("$replay", replay)));
    }

    /// <summary>Begins a replay of letters: from now on it is known which they are, and by which number the lake will know them.</summary>
    internal long Begin(LogTopic topic, IReadOnlyList<DeadLetter> letters) => _file.InTransaction(() =>
    {
        var name = $"replay {topic.TopicId}";
        _file.Execute("INSERT INTO kept VALUES ($name, 1) ON CONFLICT (name) DO UPDATE SET number = number + 1", ("$name", name));
        var replay = _file.Scalar<long>("SELECT number FROM kept WHERE name = $name", ("$name", name));
        foreach (var letter in letters)
        {
            _file.Execute("UPDATE dead_letters SET replay = $replay WHERE topic = $topic AND offset = $offset", ("$replay", replay), ("$topic", topic.RowId), ("$offset", letter.Offset));
        }

        return replay;
    });

    /// <summary>Takes the letters of a replay out, which the lake now holds, but for those that are no change events after all.</summary>
    internal void End(LogTopic topic, long replay, IReadOnlyList<DeadLetter> left) => _file.InTransaction(() =>
    {
        foreach (var letter in left)
        {
            _file.Execute("UPDATE dead_letters SET replay = NULL WHERE topic = $topic AND offset = $offset", ("$topic", topic.RowId), ("$offset", letter.Offset));
        }

        _file.Execute("DELETE FROM dead_letters WHERE topic = $topic AND replay = $replay", ("$topic", topic.RowId), ("$replay", replay));
        return 0;
    });

    private IReadOnlyList<DeadLetter> Read(string sql, params (string Name, object Value)[] parameters) => _file.Guarded(() =>
    {
        using var select = _file.Command(sql, parameters);
        using var reader = select.ExecuteReader();
        var letters = new List<DeadLetter>();
        while (reader.Read())
        {
            letters.Add(new DeadLetter(reader.GetInt64(0), reader.GetInt64(1), reader.GetString(2), reader.GetString(3)));
        }

        return letters;
    });
}
