using Confluent.Kafka;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Kafka;

/// <summary>A topic whose dead letters can be landed, and where.</summary>
/// <param name="UserColumn">Whose nulls are counted; null for none.</param>
/// <param name="TimeColumn">Whose nulls are counted; null for none.</param>
/// <param name="Options">What the events do not tell; the defaults when null.</param>
public sealed record KafkaLetterTopic(
    string Name, IReadOnlyList<LakeColumn> Columns, ChangeTable Table, string? UserColumn = null, string? TimeColumn = null, EnvelopeOptions? Options = null);

/// <summary>
/// The dead letters of topics of Kafka that the lake does not hold yet: lists them, and lands those that are change events by now. Whatever ends a replay, and whoever runs
/// beside it, no letter lands twice (<see cref="KafkaLetterBook"/> says how).
/// </summary>
/// <param name="note">Told what is worth knowing and mends itself.</param>
public sealed class KafkaLetterReplay(KafkaOptions options, Action<string> note, TimeProvider time) : IDisposable
{
    private const int LettersMax = 1_000;
    private const int RacesMax = 10;
    private readonly KafkaClients _clients = new(options, note);
    private readonly HashSet<string> _there = [];
    private readonly Dictionary<TopicPartition, LetterPast> _pasts = [];
    private KafkaLookBack? _lookBack;

    private KafkaLookBack LookBack => _lookBack ??= new KafkaLookBack(_clients, time);

    /// <summary>The letters of a topic that are not landed, by place.</summary>
    /// <exception cref="KafkaSourceException">Kafka cannot be used, or the topic of letters holds what is none.</exception>
    public IReadOnlyList<KafkaLetter> List(KafkaLetterTopic topic)
    {
        ArgumentNullException.ThrowIfNull(topic);
        return [.. Open(topic).SelectMany(o => o.Letters).OrderBy(l => l.Partition).ThenBy(l => l.Letter.Offset)];
    }

    /// <summary>A letter's message; that of one that was too large is read in its own topic. Null if the broker does not hold that any more.</summary>
    public StoredMessage? Message(KafkaLetter letter)
    {
        ArgumentNullException.ThrowIfNull(letter);
        var partition = new TopicPartition(letter.Topic, letter.Partition);
        var offset = letter.Letter.Offset;
        return letter.Message ?? (IsThere(letter.Topic) && LookBack.Bounds(partition) is var (first, end) && offset >= first && offset < end
            ? LookBack.Read(partition, offset, offset + 1).FirstOrDefault(m => m.Offset == offset)
            : null);
    }

    /// <summary>Lands the letters of a topic that are change events by now.</summary>
    /// <returns>What was landed, and the letters that are left.</returns>
    /// <exception cref="KafkaSourceException">Kafka cannot be used, or the topic of letters holds what is none.</exception>
    public IngestResult Run(KafkaLetterTopic topic, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(topic);
        var result = new IngestResult(0, 0);
        for (var races = 0; races < RacesMax; races++)
        {
            var open = Open(topic);
            if (open.All(o => Land(topic, o, ref result, cancellationToken)))
            {
                return result with { DeadLetters = List(topic).Count };
            }

            note($"{topic.Name}: another replay landed letters meanwhile; what is left is looked at again.");
        }

        throw new KafkaSourceException($"Other replays of the dead letters of {topic.Name} were quicker {RacesMax} times. Wait for them, and run the command again.");
    }

    public void Dispose() => _lookBack?.Dispose();

    private bool Land(KafkaLetterTopic topic, OpenLetters open, ref IngestResult result, CancellationToken cancellationToken)
    {
        var progress = open.Progress;
        foreach (var chunk in open.Letters.Chunk(LettersMax))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (batch, places) = (new SortedBatch([], [], 0), new List<LetterPlace>());
            foreach (var letter in chunk)
            {
                if (ReadAgain(topic, letter) is { Letters.Count: 0 } read)
                {
                    batch.Rows.AddRange(read.Rows);
                    batch = batch with { Others = batch.Others + read.Others };
                    places.Add(letter.Place);
                }
            }

            if (places.Count == 0)
            {
                continue;
            }

            var next = _clients.Write(open.Partition, KafkaLetterBook.NoteJson(progress, places));
            IngestSteps.Log.LettersNoted();
            if (!topic.Table.AppendAfter(batch.Rows, new LakeTxn(open.AppId, next), progress, cancellationToken))
            {
                return false;
            }

            IngestSteps.Log.BatchLanded();
            progress = next;
            result = result.Plus(batch.Count(topic.Columns, topic.UserColumn, topic.TimeColumn));
        }

        return true;
    }

    // A letter is read by a reader that stands where its message lay, since the messages before that may decide its identity.
    private SortedBatch? ReadAgain(KafkaLetterTopic topic, KafkaLetter letter)
    {
        if (Message(letter) is not { } message)
        {
            return null;
        }

        var partition = new TopicPartition(letter.Topic, letter.Partition);
        if (!_pasts.TryGetValue(partition, out var past))
        {
            _pasts[partition] = past = new LetterPast(LookBack, partition, IsThere(letter.Topic));
        }

        var reader = new TopicReader(past, topic.Columns, topic.Options);
        var read = reader.Sort(reader.At(message.Offset), [message]);

        // Which of equal rows without a key it is cannot be told once what lay before it is gone.
        return message.Offset < past.First && read.Rows.Any(TopicReader.IsKeyless) ? null : read;
    }

    private List<OpenLetters> Open(KafkaLetterTopic topic)
    {
        var letters = topic.Name + KafkaDeadLetters.Suffix;
        if (!IsThere(letters))
        {
            return [];
        }

        _clients.EnsureIdentity();
        var identity = _clients.Identity(letters);
        var books = Enumerable.Range(0, LookBack.Partitions(letters)).Select(i => KafkaLetterBook.Read(LookBack, new TopicPartition(letters, i))).ToList();
        var open = books.Select(b => (Book: b, AppId: $"{identity}:{b.Partition.Partition.Value}:replay")).Select(b => (b.Book, b.AppId, Progress: topic.Table.TxnVersion(b.AppId))).ToList();

        // Of a letter that came again after the topic got more partitions, the first is taken.
        var done = open.SelectMany(o => o.Book.Landed(o.Progress)).ToHashSet();
        return [.. open.Select(o => new OpenLetters(o.Book.Partition, o.AppId, o.Progress, [.. o.Book.Letters.Where(l => l.Topic == topic.Name && done.Add(l.Place))]))];
    }

    private bool IsThere(string topic)
    {
        if (_there.Count == 0)
        {
            _there.UnionWith(_clients.Topics());
        }

        return _there.Contains(topic);
    }

    private sealed record OpenLetters(TopicPartition Partition, string AppId, long? Progress, IReadOnlyList<KafkaLetter> Letters);

    /// <summary>What lay around the messages of letters, as far as the broker still holds it; read in blocks, since letters lie close together.</summary>
    private sealed class LetterPast : ITopicPast
    {
        private const int BlockMessages = 256;
        private readonly KafkaLookBack _lookBack;
        private readonly TopicPartition _partition;
        private readonly long _end;
        private IReadOnlyList<StoredMessage> _block = [];
        private (long First, long End) _held;

        public LetterPast(KafkaLookBack lookBack, TopicPartition partition, bool isThere)
        {
            (_lookBack, _partition) = (lookBack, partition);
            (First, _end) = isThere ? lookBack.Bounds(partition) : (long.MaxValue, long.MaxValue);
            IsWhole = isThere && lookBack.Partitions(partition.Topic) == 1;
        }

        public string Topic => _partition.Topic;

        public bool IsWhole { get; }

        public long First { get; }

        public IReadOnlyList<StoredMessage> Past(long first, long end)
        {
            if (first < _held.First || end > _held.End)
            {
                _held = (first, Math.Max(end, Math.Min(_end, first + BlockMessages)));
                _block = _lookBack.Read(_partition, _held.First, _held.End);
            }

            return [.. _block.Where(m => m.Offset >= first && m.Offset < end)];
        }
    }
}
