using System.Text.Json;
using Confluent.Kafka;
using FeatureStore.Ingest.ChangeLog;

namespace FeatureStore.Ingest.Kafka;

/// <summary>What one partition of a topic of dead letters holds: letters, and notes of replays that were begun.</summary>
/// <remarks>
/// A replay first writes a note of the letters that it will land and of the replay that it follows. The lake keeps, in the commit of the rows, the offset of that note as progress.
/// So the replays that were landed are those on the way back from the lake's progress, note by note; a note that is not on it, of a replay that was killed or overtaken, means nothing.
/// </remarks>
internal sealed class KafkaLetterBook
{
    private const int ReadMax = 1_000;
    private readonly List<KafkaLetter> _letters = [];
    private readonly Dictionary<long, Note> _notes = [];

    private KafkaLetterBook(TopicPartition partition) => Partition = partition;

    /// <summary>The partition of the topic of letters.</summary>
    public TopicPartition Partition { get; }

    /// <exception cref="KafkaSourceException">The broker does not give it, or it holds what is no letter.</exception>
    public static KafkaLetterBook Read(KafkaLookBack lookBack, TopicPartition partition)
    {
        var book = new KafkaLetterBook(partition);
        var (first, end) = lookBack.Bounds(partition);
        for (var at = first; at < end; at += ReadMax)
        {
            foreach (var stored in lookBack.Read(partition, at, Math.Min(end, at + ReadMax)))
            {
                book.Take(stored);
            }
        }

        return book;
    }

    /// <summary>A note as it is written.</summary>
    public static byte[] NoteJson(long? follows, IReadOnlyList<LetterPlace> places) =>
        JsonSerializer.SerializeToUtf8Bytes(new { replay_of = places.Select(p => new[] { p.Partition, p.Offset }), follows });

    /// <summary>The letters, each once and as it was told last, by place.</summary>
    public IEnumerable<KafkaLetter> Letters => _letters.GroupBy(l => l.Place).Select(g => g.Last()).OrderBy(l => l.Partition).ThenBy(l => l.Letter.Offset);

    /// <summary>The places of letters that the lake holds.</summary>
    /// <param name="progress">The offset of the note that was landed last; null for none.</param>
    public HashSet<LetterPlace> Landed(long? progress)
    {
        var landed = new HashSet<LetterPlace>();
        while (progress is { } at && _notes.TryGetValue(at, out var note))
        {
            landed.UnionWith(note.Places);

            // A note follows an older one, but for the first after the topic was made anew.
            progress = note.Follows < at ? note.Follows : null;
        }

        return landed;
    }

    private void Take(StoredMessage stored)
    {
        var place = new TopicPartitionOffset(Partition, stored.Offset);
        try
        {
            using var json = JsonDocument.Parse(stored.Message.Value);
            if (json.RootElement.TryGetProperty("replay_of", out var places))
            {
                var follows = json.RootElement.GetProperty("follows");
                _notes[stored.Offset] = new Note(
                    follows.ValueKind == JsonValueKind.Null ? null : follows.GetInt64(),
                    [.. places.EnumerateArray().Select(p => new LetterPlace(p[0].GetInt32(), p[1].GetInt64()))]);
            }
            else
            {
                _letters.Add(KafkaLetter.Read(place, json.RootElement));
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw KafkaLetter.NotOurs(place, e);
        }
    }

    private sealed record Note(long? Follows, IReadOnlyList<LetterPlace> Places);
}
