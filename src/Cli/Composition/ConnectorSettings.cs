using FeatureStore.Ingest.Connect;
using FeatureStore.Registry.Configuration;

namespace FeatureStore.Cli.Composition;

/// <summary>
/// What <c>feature_store.yaml</c> says under <c>fstore: connect:</c>: <c>url</c> of a Kafka Connect worker, <c>user</c> and <c>password</c> if it asks who calls, the connector's
/// <c>name</c>, its <c>slot</c> and <c>publication</c>, and under <c>config</c> further settings of the connector by Debezium's names. The database is that of <c>fstore.postgres</c>.
/// </summary>
internal static class ConnectorSettings
{
    private const string Root = "fstore.connect";
    private const string OursDefault = "fstore_connect"; // Native capture has 'fstore', and two readers of one slot would rob each other.

    /// <exception cref="UsageException">A setting is absent or wrong.</exception>
    public static ConnectorOptions Options(RepoConfig config)
    {
        var further = new Dictionary<string, string>();
        foreach (var (name, value) in IngestSettings.Block(Block(config), "config", $"{Root}.config").Where(s => s.Value is not null))
        {
            if (ConnectorOptions.Owned.Contains(name))
            {
                throw new UsageException($"{Root}.config.{name} is not for settings to say: without ours changes are lost or told otherwise. Take it out of {RepoConfig.FileName}.");
            }

            further[name] = KafkaSettings.Value(value) ?? throw new UsageException($"{Root}.config.{name} must be one value; correct it in {RepoConfig.FileName}.");
        }

        return new ConnectorOptions(
            PostgresSettings.Address(config),
            KafkaSettings.Prefix(config),
            Text(config, "slot") ?? OursDefault,
            Text(config, "publication") ?? OursDefault,
            [.. ChangeTopic.All.Select(t => PostgresSettings.Table(t.Table))],
            further);
    }

    /// <summary>A client of the connector; the caller's to dispose.</summary>
    /// <exception cref="UsageException">A setting is absent or wrong.</exception>
    public static ConnectClient Client(RepoConfig config)
    {
        var url = Text(config, "url")
            ?? throw new UsageException($"No Kafka Connect is named: set {Root}.url in {RepoConfig.FileName}, or FSTORE__CONNECT__URL, as 'http://connect:8083'.");
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https") || address.UserInfo.Length > 0)
        {
            throw new UsageException($"{Root}.url must be an address as 'http://connect:8083', with user and password apart from it; correct it in {RepoConfig.FileName}.");
        }

        var user = Text(config, "user") is { } name ? $"{name}:{Text(config, "password")}" : null;
        return new ConnectClient(address, Name(config), user, TimeProvider.System);
    }

    /// <summary>The connector's name in Kafka Connect.</summary>
    public static string Name(RepoConfig config) => Text(config, "name") ?? KafkaSettings.Prefix(config);

    private static string? Text(RepoConfig config, string key) => KafkaSettings.Text(Block(config), key, Root);

    private static IReadOnlyDictionary<string, object?> Block(RepoConfig config) => IngestSettings.Block(config.Fstore, "connect", Root);
}
