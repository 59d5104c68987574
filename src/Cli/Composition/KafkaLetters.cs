using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Kafka;

namespace FeatureStore.Cli.Composition;

/// <summary>The dead letters of the bank's topics in Kafka.</summary>
/// <param name="note">Told what mends itself.</param>
internal sealed class KafkaLetters(Repo repo, Action<string> note) : IDeadLetters
{
    private readonly KafkaLetterReplay _letters = new(KafkaSettings.Options(repo.Config), note, TimeProvider.System);

    /// <inheritdoc/>
    public IEnumerable<(string Topic, int Partition, DeadLetter Letter)> List(string? topic, int lettersMax) =>
        Topics(topic).SelectMany(_letters.List).Select(l => (l.Topic, l.Partition, l.Letter)).Take(lettersMax);

    /// <inheritdoc/>
    public (DeadLetter Letter, StoredMessage? Message, long? ValueBytes)? Find(string topic, int partition, long offset) =>
        _letters.List(Topics(topic).Single()).FirstOrDefault(l => (l.Partition, l.Letter.Offset) == (partition, offset)) is { } found
            ? (found.Letter, _letters.Message(found), found.ValueBytes)
            : null;

    /// <inheritdoc/>
    public IReadOnlyList<TopicResult> Replay(string? topic, CancellationToken cancellationToken) =>
        [.. Topics(topic).Select(t => new TopicResult(KafkaFeed.Table(repo, t.Name), _letters.Run(t, cancellationToken)))];

    public void Dispose() => _letters.Dispose();

    private IReadOnlyList<KafkaLetterTopic> Topics(string? name)
    {
        var topics = ChangeTopic.All.Select(t => new KafkaLetterTopic(
            KafkaFeed.Name(repo, t), t.Table.Columns, t.Lake(repo), ChangeTopic.UserColumn, t.Table.TimeColumn, IngestSettings.Options(repo.Config, t))).ToList();
        return name is null ? topics
            : topics.Find(t => t.Name == name) is { } topic ? [topic]
            : throw new UsageException($"No table is declared for a topic '{name}' of Kafka; there are {string.Join(", ", topics.Select(t => t.Name))}.");
    }
}
