using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FeatureStore.Ingest.ChangeLog;
using LogMessage = FeatureStore.Ingest.ChangeLog.LogMessage;

namespace FeatureStore.Ingest.Kafka;

/// <summary>Makes the clients of one cluster, whose settings hold the promises of an ingest, and puts their faults in words.</summary>
/// <param name="note">Told of what clients mend by themselves, as a broker that is away.</param>
internal sealed class KafkaClients(KafkaOptions options, Action<string> note)
{
    private const string OldKey = "__debezium.oldkey";
    private const string OwnHeaders = "__debezium.";
    private const int QueueKilobytes = 8 * 1024;
    private const int FullQueueMillis = 10; // A queue that is full is looked at again; by default after a second, when a batch was long landed.
    private const int DeliveryMillis = 60_000;
    private const int TopicsMillis = 30_000; // Within it a topic that was made meanwhile is found.
    private static readonly UTF8Encoding Utf8 = new();
    private string? _lastNote;
    private string? _clusterId;

    public static TimeSpan AnswerTimeout { get; } = TimeSpan.FromSeconds(15);

    public string Shown => options.Shown;

    public ConsumerBuilder<byte[]?, byte[]?> Consumer() => new ConsumerBuilder<byte[]?, byte[]?>(new ConsumerConfig(Own("queued.max.messages.kbytes", $"{QueueKilobytes}", "fetch.queue.backoff.ms", $"{FullQueueMillis}", "topic.metadata.refresh.interval.ms", $"{TopicsMillis}"))
    {
        GroupId = options.Group,
        EnableAutoCommit = false,
        EnableAutoOffsetStore = false,
        EnablePartitionEof = true,
        AutoOffsetReset = AutoOffsetReset.Error,
    }).SetErrorHandler((_, e) => Note(e)).SetLogHandler((_, _) => { });

    /// <param name="defaults">Names and values of settings that this producer needs.</param>
    public IProducer<byte[], byte[]> Producer(params ReadOnlySpan<string> defaults) => Producer(Own(["message.timeout.ms", $"{DeliveryMillis}", .. defaults]));

    private IProducer<byte[], byte[]> Producer(Dictionary<string, string> settings) => Make(() => new ProducerBuilder<byte[], byte[]>(new ProducerConfig(settings) { Acks = Acks.All })
        .SetErrorHandler((_, e) => Note(e)).SetLogHandler((_, _) => { }).Build());

    /// <summary>The topics that the cluster has.</summary>
    /// <exception cref="KafkaSourceException">No broker answers.</exception>
    public HashSet<string> Topics()
    {
        using var admin = Admin();
        return [.. Guard(() => admin.GetMetadata(AnswerTimeout)).Topics.Where(t => !t.Error.IsError).Select(t => t.Topic)];
    }

    /// <summary>Sees that progress can be told from another cluster's.</summary>
    /// <exception cref="KafkaSourceException">No name is given, and the broker tells no id.</exception>
    public void EnsureIdentity()
    {
        if (options.Cluster is not null)
        {
            return;
        }

        using var admin = Admin();
        var reason = "it is too old to have one";
        try
        {
            _clusterId = admin.DescribeClusterAsync(new DescribeClusterOptions { RequestTimeout = AnswerTimeout }).GetAwaiter().GetResult().ClusterId;
        }
        catch (KafkaException e)
        {
            reason = e.Error.Reason;
        }

        if (string.IsNullOrEmpty(_clusterId))
        {
            throw new KafkaSourceException($"Kafka at {Shown} does not tell the id of its cluster, by which the lake would know its progress ({reason}). If that stays so, give the cluster a name that never changes: fstore.kafka.cluster in feature_store.yaml.");
        }
    }

    /// <summary>A topic's identity, to which the partition is added: a topic made anew is another one where the broker has ids.</summary>
    public string Identity(string topic)
    {
        if (options.Cluster is { } name)
        {
            return $"kafka:{name}:{topic}";
        }

        // A fault is no answer: under another identity everything would be landed again.
        using var admin = Admin();
        var described = Guard(() => admin.DescribeTopicsAsync(TopicCollection.OfTopicNames([topic]), new DescribeTopicsOptions { RequestTimeout = AnswerTimeout }).GetAwaiter().GetResult());
        var id = described.TopicDescriptions[0].TopicId;
        return $"kafka:{_clusterId}:{(id is null || (id.MostSignificantBits, id.LeastSignificantBits) == (0, 0) ? topic : id.ToString())}";
    }

    /// <summary>A message as the reader of events takes it.</summary>
    public static StoredMessage Stored(ConsumeResult<byte[]?, byte[]?> result)
    {
        Dictionary<string, string>? marks = null;
        var isCreateHalf = false;
        foreach (var header in result.Message.Headers ?? [])
        {
            isCreateHalf |= header.Key == OldKey;
            if (!header.Key.StartsWith(OwnHeaders, StringComparison.Ordinal) && header.GetValueBytes() is { } bytes)
            {
                (marks ??= [])[header.Key] = Utf8.GetString(bytes);
            }
        }

        var sent = result.Message.Timestamp;
        return new StoredMessage(
            result.Offset.Value,
            new LogMessage(result.Message.Key, result.Message.Value, isCreateHalf, marks),
            sent.Type == TimestampType.NotAvailable ? null : sent.UnixTimestampMs);
    }

    /// <summary>Writes one record into a partition, durably when the call returns.</summary>
    /// <returns>Its offset.</returns>
    /// <exception cref="KafkaSourceException">Kafka does not take it.</exception>
    public long Write(TopicPartition partition, byte[] value)
    {
        using var producer = Producer();

        // A key of its own, so that a topic that is compacted keeps it.
        var record = new Message<byte[], byte[]> { Key = Guid.NewGuid().ToByteArray(), Value = value };
        return Guard(() => producer.ProduceAsync(partition, record).GetAwaiter().GetResult()).Offset.Value;
    }

    /// <summary>Runs work whose faults name the servers.</summary>
    public T Guard<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (KafkaException e)
        {
            throw Failure(e.Error, e);
        }
    }

    /// <summary>Makes a client; a setting that it does not take is named without its value, if that may be a secret.</summary>
    public T Make<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or KafkaException)
        {
            throw new KafkaSourceException($"fstore.kafka holds a setting that librdkafka does not take: {Masked(e.Message)}. Correct it in feature_store.yaml, or the FSTORE__KAFKA__… variable.");
        }
    }

    /// <summary>A client's fault in words.</summary>
    public KafkaSourceException Failure(Error error, Exception? cause = null) =>
        new($"Kafka at {Shown} failed ({error.Code}): {error.Reason}. Start it or correct fstore.kafka, and run the command again; it goes on where the lake is.", cause);

    private IAdminClient Admin() => Make(() => new AdminClientBuilder(new AdminClientConfig(Own())).SetErrorHandler((_, e) => Note(e)).SetLogHandler((_, _) => { }).Build());

    // A configuration object writes into the dictionary that it is given. What the user sets stands over our defaults.
    private Dictionary<string, string> Own(params ReadOnlySpan<string> defaults)
    {
        var settings = new Dictionary<string, string>(options.Client);
        for (var i = 0; i < defaults.Length; i += 2)
        {
            settings.TryAdd(defaults[i], defaults[i + 1]);
        }

        return settings;
    }

    private string Masked(string message) => options.Client
        .Where(s => s.Key.StartsWith("sasl.", StringComparison.Ordinal) || s.Key.StartsWith("ssl.", StringComparison.Ordinal))
        .Where(s => s.Value.Length > 0)
        .Aggregate(message, (text, s) => text.Replace(s.Value, "…", StringComparison.Ordinal));

    /// <summary>Tells of what a client mends by itself; called from its own thread too, again and again while a broker is away.</summary>
    public void Note(Error error)
    {
        if (Interlocked.Exchange(ref _lastNote, error.Reason) != error.Reason)
        {
            note($"Kafka at {Shown}: {error.Reason}");
        }
    }
}
