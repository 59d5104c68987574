using Confluent.Kafka;
using FeatureStore.Ingest.ChangeLog;

namespace FeatureStore.Ingest.Kafka;

/// <summary>One partition that this process was given: what came of it and is not landed yet. Given up with the partition.</summary>
internal sealed class KafkaPartition : ITopicSource
{
    private readonly KafkaLookBack _lookBack;
    private readonly KafkaDeadLetters _deadLetters;
    private readonly IConsumer<byte[]?, byte[]?> _consumer;
    private readonly KafkaRun _run;
    private readonly Queue<(ConsumeResult<byte[]?, byte[]?> Result, StoredMessage Message)> _waiting = new();
    private (long? Landed, long Start)? _begun;
    private long _from;

    public KafkaPartition(TopicPartition partition, string identity, IConsumer<byte[]?, byte[]?> consumer, KafkaLookBack lookBack, KafkaDeadLetters deadLetters, KafkaRun run)
    {
        (Partition, AppId, _consumer, _lookBack, _deadLetters, _run) = (partition, $"{identity}:{partition.Partition.Value}", consumer, lookBack, deadLetters, run);
        (First, End) = lookBack.Bounds(partition);
        IsWhole = lookBack.Partitions(partition.Topic) == 1;
    }

    public TopicPartition Partition { get; }

    /// <inheritdoc/>
    public string Topic => Partition.Topic;

    /// <inheritdoc/>
    public string AppId { get; }

    /// <inheritdoc/>
    public bool IsWhole { get; }

    /// <inheritdoc/>
    public long First { get; }

    /// <summary>The offset behind the last message that there was when the partition came.</summary>
    public long End { get; }

    /// <summary>Behind the last message that came.</summary>
    public long Received { get; private set; }

    public int Waiting => _waiting.Count;

    /// <summary>Where to begin; from then on everything that comes is kept.</summary>
    /// <exception cref="KafkaSourceException">The broker does not hold what the lake lacks.</exception>
    public long Begin(long? landed)
    {
        var start = landed + 1;
        if (start is null || start < First || start > End)
        {
            start = start is null || _run.AcceptGap ? Start() : throw OutOfRange(
                $"the lake holds it up to offset {landed}, and the broker has {First} to {End - 1}: {(start < First ? $"{First - start} messages were removed before they were landed" : "it lost messages, or the topic was made anew under the same name")}. To go on with that gap, run 'fstore ingest --from kafka --accept-gap --start earliest' (or latest, or offset N)");
        }

        _begun = (landed, start.Value);
        _from = Received = start.Value;
        return start.Value;
    }

    /// <summary>Keeps a message, or hears that there is no further one now.</summary>
    /// <returns>Its bytes.</returns>
    public long Take(ConsumeResult<byte[]?, byte[]?> result)
    {
        // Behind the last message there may be marks of transactions, which are not given.
        Received = Math.Max(Received, result.IsPartitionEOF ? Math.Max(End, result.Offset.Value) : result.Offset.Value + 1);
        if (result.IsPartitionEOF || result.Offset < _from)
        {
            return 0;
        }

        _waiting.Enqueue((result, KafkaClients.Stored(result)));
        return (result.Message.Key?.Length ?? 0) + (result.Message.Value?.Length ?? 0);
    }

    /// <inheritdoc/>
    public long Next(long? landed)
    {
        // Until something is landed, the place is the one that was chosen: it may lie before what the lake holds, or behind.
        if (_begun is { } begun && begun.Landed == landed)
        {
            return begun.Start;
        }

        _begun = null;
        return landed + 1 ?? First;
    }

    /// <inheritdoc/>
    public IReadOnlyList<StoredMessage> Read(long from, int messagesMax, long bytesMax)
    {
        if (from < _from)
        {
            // The lake went back under us, as when its table is removed.
            _consumer.Seek(new TopicPartitionOffset(Partition, from));
            _waiting.Clear();
            Received = from;
        }

        _from = from;
        while (_waiting.TryPeek(out var old) && old.Message.Offset < from)
        {
            _waiting.Dequeue();
        }

        var messages = new List<StoredMessage>();
        long bytes = 0;
        foreach (var (_, message) in _waiting)
        {
            if (messages.Count == messagesMax || bytes >= bytesMax)
            {
                break;
            }

            messages.Add(message);
            bytes += (message.Message.Key?.Length ?? 0) + (message.Message.Value?.Length ?? 0);
        }

        return messages;
    }

    /// <inheritdoc/>
    public IReadOnlyList<StoredMessage> Past(long first, long end) => _lookBack.Read(Partition, first, end);

    /// <inheritdoc/>
    public void NoteLetters(IReadOnlyList<StoredMessage> batch, IReadOnlyList<DeadLetter> letters)
    {
        if (letters.Count > 0)
        {
            var offsets = letters.Select(l => l.Offset).ToHashSet();
            var results = _waiting.Where(w => offsets.Contains(w.Message.Offset)).ToDictionary(w => w.Message.Offset, w => w.Result);
            _deadLetters.Write(Partition, [.. letters.Select(l => (l, results[l.Offset]))]);
        }
    }

    /// <inheritdoc/>
    public void NoteLanded(long offset)
    {
        while (_waiting.TryPeek(out var old) && old.Message.Offset <= offset)
        {
            _waiting.Dequeue();
        }

        try
        {
            _consumer.Commit([new TopicPartitionOffset(Partition, offset + 1)]);
        }
        catch (KafkaException)
        {
            // Only a report, and the next one makes up for it: the broker may be away, or the partition another's by now.
        }
    }

    /// <summary>Messages behind an offset, as far as is known.</summary>
    public long Lag(long? landed)
    {
        var end = Math.Max(End, Received);
        try
        {
            end = Math.Max(end, _consumer.GetWatermarkOffsets(Partition).High.Value);
        }
        catch (KafkaException)
        {
            // The partition is another's by now.
        }

        return Math.Max(0, end - Next(landed));
    }

    private long Start() => _run.Start switch
    {
        { Kind: KafkaStartKind.Earliest } => First,
        { Kind: KafkaStartKind.Latest } => End,
        { Offset: var offset } when offset >= First && offset <= End => offset,
        { Offset: var offset } => throw OutOfRange($"--start names offset {offset}, and the broker has {First} to {End - 1}. Name one of these, earliest or latest"),
    };

    private KafkaSourceException OutOfRange(string what) => new($"{Topic}, partition {Partition.Partition.Value}: {what}.");
}
