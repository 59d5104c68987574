namespace FeatureStore.Ingest.Kafka;

/// <summary>Where Kafka is, and as whom to read it.</summary>
/// <param name="Group">The consumer group that shares the partitions.</param>
/// <param name="Cluster">
/// A name for the cluster, under which the lake keeps progress; null takes the ids that the broker tells of cluster and topic. With a name, a topic is known by its
/// name too, so that one made anew is not told from the old one by itself.
/// </param>
/// <param name="Client">librdkafka's own settings, <c>bootstrap.servers</c> among them. They may hold secrets and are never printed.</param>
public sealed record KafkaOptions(string Group, string? Cluster, IReadOnlyDictionary<string, string> Client)
{
    public const string Servers = "bootstrap.servers";

    /// <summary>Settings on which the promises of an ingest stand.</summary>
    public static IReadOnlyList<string> Owned { get; } =
    [
        "group.id", "enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset", "enable.partition.eof", "acks", "request.required.acks", "group.protocol",
    ];

    /// <summary>The servers, as they may be shown.</summary>
    public string Shown => Client.GetValueOrDefault(Servers, "?");
}

/// <summary>Where a partition begins that the lake holds nothing of.</summary>
/// <param name="Offset">For <see cref="KafkaStartKind.Offset"/>.</param>
public sealed record KafkaStart(KafkaStartKind Kind, long Offset = 0);

public enum KafkaStartKind
{
    Earliest,
    Latest,
    Offset,
}

/// <summary>How a run goes.</summary>
/// <param name="Start">Earliest unless said otherwise.</param>
/// <param name="AcceptGap">Let a partition whose progress the broker does not hold any more begin at <paramref name="Start"/>, instead of failing.</param>
/// <param name="Follow">Go on until told to stop; else end at what the topics held at the start.</param>
/// <param name="BatchRows">At most so many messages of a partition are landed at once.</param>
public sealed record KafkaRun(KafkaStart Start, bool AcceptGap = false, bool Follow = false, int BatchRows = 20_000);

/// <summary>A topic and how its partitions are landed.</summary>
/// <param name="Runner">Makes the runner of a partition.</param>
public sealed record KafkaTopic(string Name, Func<ITopicSource, IngestRunner> Runner);

/// <summary>How far a partition is.</summary>
/// <param name="Offset">The last offset that the lake holds; null for none.</param>
/// <param name="LagEvents">Messages that wait.</param>
/// <param name="LagSeconds">How long ago the newest landed change was committed at its source, 0 if none waits; null when it is not known.</param>
public sealed record KafkaProgress(string Topic, int Partition, IngestResult Landed, long? Offset, long LagEvents, double? LagSeconds);

/// <summary>Kafka cannot be used, or does not hold what is asked for; the message says what, where, and the way out.</summary>
public sealed class KafkaSourceException(string message, Exception? cause = null) : Exception(message, cause);
