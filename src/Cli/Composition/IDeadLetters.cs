using FeatureStore.Ingest.ChangeLog;

namespace FeatureStore.Cli.Composition;

/// <summary>The messages of the change log, or of Kafka, that were no change events and that the lake does not hold.</summary>
internal interface IDeadLetters : IDisposable
{
    /// <summary>By topic, partition and offset.</summary>
    /// <param name="topic">Only of this topic; null for all.</param>
    /// <exception cref="UsageException">There is no such topic.</exception>
    IEnumerable<(string Topic, int Partition, DeadLetter Letter)> List(string? topic, int lettersMax);

    /// <summary>One letter; null if there is none at the place. Its message is null where nothing holds it any more.</summary>
    /// <exception cref="UsageException">There is no such topic.</exception>
    (DeadLetter Letter, StoredMessage? Message, long? ValueBytes)? Find(string topic, int partition, long offset);

    /// <summary>Reads the letters of declared topics again and lands those that are change events by now.</summary>
    /// <returns>Of each topic what was landed, and the letters that are left.</returns>
    /// <exception cref="UsageException">There is no such topic.</exception>
    IReadOnlyList<TopicResult> Replay(string? topic, CancellationToken cancellationToken);
}
