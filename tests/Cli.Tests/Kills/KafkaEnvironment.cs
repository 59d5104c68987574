using FeatureStore.Tests.Servers;

namespace FeatureStore.Cli.Tests.Kills;

/// <summary>What commands have to be told of the tests' broker, so that the group of a killed one is soon free.</summary>
internal static class KafkaEnvironment
{
    public static Dictionary<string, string> Of(KafkaServer server)
    {
        var environment = new Dictionary<string, string>
        {
            ["FSTORE__KAFKA__BOOTSTRAP_SERVERS"] = server.Address,
            ["FSTORE__KAFKA__CLUSTER"] = "test",
            ["FSTORE__KAFKA__SESSION_TIMEOUT_MS"] = "1500",
            ["FSTORE__KAFKA__HEARTBEAT_INTERVAL_MS"] = "300",
        };
        foreach (var (name, value) in KafkaServer.ClientSettings)
        {
            environment["FSTORE__KAFKA__" + name.ToUpperInvariant().Replace('.', '_')] = value;
        }

        return environment;
    }
}
