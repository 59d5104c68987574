using System.Globalization;
using FeatureStore.Ingest.Kafka;
using FeatureStore.Registry.Configuration;

namespace FeatureStore.Cli.Composition;

/// <summary>
/// What <c>feature_store.yaml</c> says under <c>fstore: kafka:</c>: <c>bootstrap_servers</c>, <c>group</c>, <c>topic_prefix</c>, <c>cluster</c>, and librdkafka's own settings by
/// their names, with underscores or dots: <c>security_protocol: SASL_SSL</c>. Secrets come from files: <c>FSTORE__KAFKA__SASL_PASSWORD_FILE</c>.
/// </summary>
internal static class KafkaSettings
{
    private const string Root = "fstore.kafka";
    private const string GroupDefault = "fstore";
    private static readonly string[] Ours = ["group", "topic_prefix", "cluster"];

    /// <exception cref="UsageException">The block is absent or wrong.</exception>
    public static KafkaOptions Options(RepoConfig config)
    {
        var block = Block(config);
        var client = new Dictionary<string, string>();
        foreach (var (key, value) in block.Where(b => !Ours.Contains(b.Key) && b.Value is not null))
        {
            var name = key.Replace('_', '.');
            if (KafkaOptions.Owned.Contains(name))
            {
                throw new UsageException($"{Root}.{key} is not for settings to say: that nothing is lost or doubled hangs on it. Take it out of {RepoConfig.FileName}{(name == "group.id" ? ", and name the group as 'group'" : string.Empty)}.");
            }

            client[name] = Value(value) ?? throw new UsageException($"{Root}.{key} must be one value; correct it in {RepoConfig.FileName}.");
        }

        return client.GetValueOrDefault(KafkaOptions.Servers) is { Length: > 0 }
            ? new KafkaOptions(Text(config, "group") ?? GroupDefault, Text(config, "cluster"), client)
            : throw new UsageException($"No Kafka is named: set {Root}.bootstrap_servers in {RepoConfig.FileName}, or FSTORE__KAFKA__BOOTSTRAP_SERVERS, as 'broker1:9092,broker2:9092'.");
    }

    /// <summary>The first part of the topics' names: the connector's <c>topic.prefix</c>.</summary>
    public static string Prefix(RepoConfig config) => Text(config, "topic_prefix") ?? ChangeTopic.All[0].Table.Topic.Split('.')[0];

    /// <summary>A setting of another program as that program reads it; null if it is a block or a list.</summary>
    public static string? Value(object? value) => value switch
    {
        string text => text,
        bool flag => flag ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => null,
    };

    /// <summary>A key of a block; null if it is not there.</summary>
    /// <exception cref="UsageException">It is no text.</exception>
    public static string? Text(IReadOnlyDictionary<string, object?> block, string key, string root) => block.GetValueOrDefault(key) switch
    {
        null => null,
        string { Length: > 0 } text => text,
        _ => throw new UsageException($"{root}.{key} must be a text; correct it in {RepoConfig.FileName}."),
    };

    private static string? Text(RepoConfig config, string key) => Text(Block(config), key, Root);

    private static IReadOnlyDictionary<string, object?> Block(RepoConfig config) => IngestSettings.Block(config.Fstore, "kafka", Root);
}
