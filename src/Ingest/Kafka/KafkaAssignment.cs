using System.Runtime.ExceptionServices;
using Confluent.Kafka;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Kafka;

/// <summary>The partitions that the group gave to this process, and what it landed of each so far.</summary>
internal sealed class KafkaAssignment(
    IReadOnlyList<KafkaTopic> topics, KafkaClients clients, KafkaLookBack lookBack, KafkaDeadLetters deadLetters, KafkaRun run, Action<string> note, TimeProvider time)
{
    private const int MicrosPerSecond = 1_000_000;
    private readonly Dictionary<TopicPartition, Held> _held = [];
    private readonly Dictionary<TopicPartition, KafkaProgress> _progress = [];
    private readonly HashSet<TopicPartition> _changed = [];
    private readonly Dictionary<string, string> _identities = [];
    private bool _isAssigned;
    private Exception? _fault;

    public int Count => _held.Count;

    /// <summary>True if all that there was when each partition came is taken.</summary>
    public bool IsRead => _isAssigned && _held.Values.All(h => h.Source.Received >= h.Source.End);

    /// <summary>True if that is landed too.</summary>
    public bool IsAtEnd => IsRead && _held.Values.All(h => h.Source.Waiting == 0);

    public ConsumerBuilder<byte[]?, byte[]?> Attach(ConsumerBuilder<byte[]?, byte[]?> consumer) => consumer
        .SetPartitionsAssignedHandler(Assigned)
        .SetPartitionsRevokedHandler((_, partitions) => Drop(partitions))
        .SetPartitionsLostHandler((_, partitions) => Drop(partitions));

    /// <summary>What failed while partitions were assigned: an exception cannot pass through the client's own code.</summary>
    public void ThrowIfFaulted()
    {
        if (_fault is { } fault)
        {
            ExceptionDispatchInfo.Throw(fault);
        }
    }

    /// <summary>Keeps a message; one of a partition that was taken away meanwhile is dropped.</summary>
    /// <returns>Its bytes.</returns>
    public long Take(ConsumeResult<byte[]?, byte[]?> result) => _held.TryGetValue(result.TopicPartition, out var held) ? held.Source.Take(result) : 0;

    /// <summary>Lands what waits, a batch of each partition at a time. It is not broken off, since the next start would do the same again.</summary>
    public void Land()
    {
        foreach (var (partition, held) in _held)
        {
            while (held.Source.Waiting > 0 && held.Runner.Step(run.BatchRows, CancellationToken.None) is { } landed)
            {
                if (landed.IsOvertaken)
                {
                    note($"{partition.Topic}, partition {partition.Partition.Value}: another process landed it meanwhile; the batch is dropped and read again from where the lake is.");
                    continue;
                }

                _changed.Add(partition);
                var before = _progress[partition];
                _progress[partition] = Progress(held.Source, before.Landed.Plus(landed.Result), landed.Offset, landed.CommitMicros ?? held.CommitMicros);
                held.CommitMicros = landed.CommitMicros ?? held.CommitMicros;
            }
        }
    }

    /// <summary>The partitions that moved since the last look.</summary>
    public IReadOnlyList<KafkaProgress> Changed()
    {
        var changed = All().Where(p => _changed.Contains(new TopicPartition(p.Topic, p.Partition))).ToList();
        _changed.Clear();
        return changed;
    }

    public IReadOnlyList<KafkaProgress> All() =>
    [
        .. _progress.Select(p => _held.TryGetValue(p.Key, out var held) ? Progress(held.Source, p.Value.Landed, p.Value.Offset, held.CommitMicros) : p.Value)
            .OrderBy(p => p.Topic, StringComparer.Ordinal).ThenBy(p => p.Partition),
    ];

    private IEnumerable<TopicPartitionOffset> Assigned(IConsumer<byte[]?, byte[]?> consumer, List<TopicPartition> partitions)
    {
        var places = new List<TopicPartitionOffset>();
        try
        {
            foreach (var partition in partitions)
            {
                var source = new KafkaPartition(partition, Identity(partition.Topic), consumer, lookBack, deadLetters, run);
                var runner = topics.First(t => t.Name == partition.Topic).Runner(source);
                var landed = runner.Landed;
                places.Add(new TopicPartitionOffset(partition, source.Begin(landed)));
                _held[partition] = new Held(source, runner);
                _progress[partition] = Progress(source, _progress.TryGetValue(partition, out var before) ? before.Landed : new IngestResult(0, 0), landed, null);
            }
        }
        catch (Exception e) when (e is KafkaSourceException or DeltaException or IOException)
        {
            _fault = e;
            return [];
        }

        _isAssigned = true;
        return places;
    }

    private string Identity(string topic)
    {
        if (!_identities.TryGetValue(topic, out var identity))
        {
            _identities[topic] = identity = clients.Identity(topic);
        }

        return identity;
    }

    private void Drop(List<TopicPartitionOffset> partitions)
    {
        _isAssigned = false;
        foreach (var partition in partitions)
        {
            _held.Remove(partition.TopicPartition);
        }
    }

    private KafkaProgress Progress(KafkaPartition source, IngestResult landed, long? offset, long? commitMicros)
    {
        var lag = source.Lag(offset);
        var now = time.GetUtcNow().ToUnixTimeMilliseconds() * 1_000;
        return new KafkaProgress(source.Topic, source.Partition.Partition.Value, landed, offset, lag, lag == 0 ? 0 : commitMicros is { } then ? (now - then) / (double)MicrosPerSecond : null);
    }

    private sealed class Held(KafkaPartition source, IngestRunner runner)
    {
        public KafkaPartition Source => source;

        public IngestRunner Runner => runner;

        public long? CommitMicros { get; set; }
    }
}
