using System.Net;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Tests.Dev;

/// <summary>The set of servers that a full deployment needs, as far as they run natively here.</summary>
internal sealed class DevServers
{
    // The lake, and the users' side of it.
    private static readonly string[] Buckets = ["transaction-data", "transaction-data-user"];
    private readonly string _root;
    private readonly DevServer _postgres;
    private readonly DevServer _zookeeper;
    private readonly DevServer _kafka;
    private readonly DevServer _redis;
    private readonly DevServer _s3;

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

        // Swift's programs share a folder, in which the front finds the others.
        var swift = Path.Combine(root, "swift");
        var memcached = new DevServer(root, "memcached", NothingAsync, SwiftServer.MemcachedCommand);
        var stores = SwiftServer.Stores.Select(kind => new DevServer(root, $"swift-{kind}", _ => MakeFolderAsync(swift), (_, port) => SwiftServer.StoreCommand(swift, kind, port)));
        _s3 = new DevServer(root, "s3", NothingAsync, (_, port) => SwiftServer.ProxyCommand(swift, port, memcached.Port!.Value));

        // In the order of their start.
        All = [_postgres, _redis, memcached, .. stores, _s3, _zookeeper, _kafka];
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
        SwiftServer.Need();
    }

    /// <summary>Makes what the servers need before fstore comes.</summary>
    public Task PrepareAsync() => SwiftServer.MakeBucketsAsync(SwiftServer.Address(_s3.Port!.Value), Buckets);

    /// <summary>Writes the settings of fstore for these servers.</summary>
    public async Task WriteEnvironmentAsync()
    {
        var lines = new Dictionary<string, string>
        {
            ["FSTORE__POSTGRES__CONNECTION_STRING"] = $"Host={IPAddress.Loopback};Port={_postgres.Port};Username={PostgresServer.SuperUser};Database=postgres",
            ["FSTORE__KAFKA__BOOTSTRAP_SERVERS"] = $"{IPAddress.Loopback}:{_kafka.Port}",
            ["FSTORE__S3__ENDPOINT"] = SwiftServer.Address(_s3.Port!.Value).ToString(),
            ["FSTORE__S3__ACCESS_KEY"] = SwiftServer.AccessKey,
            ["FSTORE__S3__SECRET_KEY"] = SwiftServer.SecretKey,
            ["FSTORE__S3__CONDITIONAL_PUT"] = "no", // Swift has none; so it need not be asked.
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

    private static Task MakeFolderAsync(string folder)
    {
        Directory.CreateDirectory(folder);
        return Task.CompletedTask;
    }

    private static string ClusterFile(string folder) => Path.Combine(folder, "cluster");

    // So old a broker has no id, and a lake must not take a broker that was made anew for the one that it knows.
    private static Task MakeClusterAsync(string folder) =>
        File.Exists(ClusterFile(folder)) ? Task.CompletedTask : File.WriteAllTextAsync(ClusterFile(folder), $"dev-{Guid.NewGuid():N}");
}
