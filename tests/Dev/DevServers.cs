using System.Net;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Tests.Dev;

/// <summary>The set of servers that a full deployment needs, as far as they run natively here.</summary>
internal sealed class DevServers
{
    private readonly string _root;
    private readonly DevServer _postgres;
    private readonly DevServer _zookeeper;
    private readonly DevServer _kafka;
    private readonly DevServer _redis;

    public DevServers(string root)
    {
        _root = root;
        _postgres = new DevServer(root, "postgres", PostgresServer.MakeAsync, (folder, port) => PostgresServer.Command(folder, port, "wal_level=logical"));
        _redis = new DevServer(root, "redis", NothingAsync, (folder, port) => RedisServer.Command(folder, port, "--appendonly", "yes"));
        _zookeeper = new DevServer(root, "zookeeper", NothingAsync, KafkaServer.ZookeeperCommand);
        _kafka = new DevServer(
            root,
            "kafka",
            MakeClusterAsync,
            (folder, port) => KafkaServer.BrokerCommand(folder, port, _zookeeper.Port!.Value, "num.partitions=3", "log.retention.check.interval.ms=1000"));

        // In the order of their start. An S3 server joins here, with its settings in the environment's file.
        All = [_postgres, _redis, _zookeeper, _kafka];
    }

    public IReadOnlyList<DevServer> All { get; }

    /// <summary>Where the settings are, to be sourced.</summary>
    public string EnvironmentFile => Path.Combine(_root, "env");

    /// <summary>Skips, with what to install, where a server is missing.</summary>
    public static void Need()
    {
        PostgresServer.Need();
        RedisServer.Need();
        KafkaServer.Need();
    }

    /// <summary>Writes the settings of fstore for these servers.</summary>
    public async Task WriteEnvironmentAsync()
    {
        var lines = new Dictionary<string, string>
        {
            ["FSTORE__POSTGRES__CONNECTION_STRING"] = $"Host={IPAddress.Loopback};Port={_postgres.Port};Username={PostgresServer.SuperUser};Database=postgres",
            ["FSTORE__KAFKA__BOOTSTRAP_SERVERS"] = $"{IPAddress.Loopback}:{_kafka.Port}",
            ["FSTORE__KAFKA__CLUSTER"] = await File.ReadAllTextAsync(ClusterFile(_kafka.Folder)),
        };
        foreach (var (name, value) in KafkaServer.ClientSettings)
        {
            lines["FSTORE__KAFKA__" + name.Replace('.', '_').ToUpperInvariant()] = value;
        }

        // So old a broker refuses a member that may be silent as long as newer clients ask for.
        lines["FSTORE__KAFKA__SESSION_TIMEOUT_MS"] = "6000";

        // Not of the fstore block: Feast's own online_store names it as ${FSTORE_REDIS}.
        lines["FSTORE_REDIS"] = $"{IPAddress.Loopback}:{_redis.Port}";
        var unfinished = EnvironmentFile + ".new";
        await File.WriteAllLinesAsync(unfinished, lines.Select(l => $"export {l.Key}='{l.Value}'"));
        File.Move(unfinished, EnvironmentFile, overwrite: true);
    }

    private static Task NothingAsync(string folder) => Task.CompletedTask;

    private static string ClusterFile(string folder) => Path.Combine(folder, "cluster");

    // So old a broker has no id, and a lake must not take a broker that was made anew for the one that it knows.
    private static Task MakeClusterAsync(string folder) =>
        File.Exists(ClusterFile(folder)) ? Task.CompletedTask : File.WriteAllTextAsync(ClusterFile(folder), $"dev-{Guid.NewGuid():N}");
}
