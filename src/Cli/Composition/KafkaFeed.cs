using FeatureStore.Ingest;
using FeatureStore.Ingest.Kafka;

namespace FeatureStore.Cli.Composition;

/// <summary>The bank's topics in Kafka, each with the change table that it is declared for.</summary>
internal static class KafkaFeed
{
    /// <param name="note">Told what mends itself.</param>
    /// <exception cref="UsageException">The settings are absent or wrong.</exception>
    public static KafkaIngest Open(Repo repo, Action<string> note) =>
        new(KafkaSettings.Options(repo.Config), [.. ChangeTopic.All.Select(t => Topic(repo, t))], note, TimeProvider.System);

    /// <summary>Sends the events of a capture to the topics that <see cref="Open"/> reads; the caller's to dispose.</summary>
    /// <param name="note">Told what mends itself.</param>
    /// <exception cref="UsageException">The settings are absent or wrong.</exception>
    public static KafkaPublisher Publisher(Repo repo, Action<string> note) => new(KafkaSettings.Options(repo.Config), KafkaSettings.Prefix(repo.Config), note);

    /// <summary>The name that a topic of the change log has in Kafka.</summary>
    public static string Name(Repo repo, ChangeTopic topic) => $"{KafkaSettings.Prefix(repo.Config)}.{topic.Table.Topic.Split('.', 2)[1]}";

    /// <summary>The change table's path of a topic of Kafka.</summary>
    public static string Table(Repo repo, string name) => ChangeTopic.All.First(t => Name(repo, t) == name).LakePath;

    private static KafkaTopic Topic(Repo repo, ChangeTopic topic)
    {
        var (lake, options) = (topic.Lake(repo), IngestSettings.Options(repo.Config, topic));
        return new KafkaTopic(
            Name(repo, topic),
            source => new IngestRunner(source, topic.Table.Columns, lake, ChangeTopic.UserColumn, topic.Table.TimeColumn, options));
    }
}
