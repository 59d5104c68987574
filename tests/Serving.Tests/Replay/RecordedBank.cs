using System.Net;
using System.Text;
using System.Text.Json;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.OnlineStore;
using FeatureStore.OnlineStore.Redis;
using FeatureStore.OnlineStore.Sqlite;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Files;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Retrieval;
using FeatureStore.Serving.Writing;
using FeatureStore.Tests.Servers;
using StackExchange.Redis;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Serving.Tests.Replay;

/// <summary>Our server under policy <c>feast</c>, over a registry that Feast wrote and the store contents it left.</summary>
internal sealed class RecordedBank : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _owned;
    private readonly string _folder;

    private readonly ServingRuntime _runtime;
    private readonly RepoConfig _config;

    private RecordedBank(FeatureServer server, ServingRuntime runtime, RepoConfig config, RegistryProto registry, List<IAsyncDisposable> owned, string folder)
    {
        Server = server;
        _runtime = runtime;
        _config = config;
        Registry = registry;
        _owned = owned;
        _folder = folder;
        Http = new HttpClient { BaseAddress = server.HttpAddress };
    }

    public FeatureServer Server { get; }

    public RegistryProto Registry { get; }

    public HttpClient Http { get; }

    public static JsonElement Golden(string file) =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", file))).RootElement;

    public required IOnlineStore Store { get; init; }

    public RegistrySnapshot Snapshot => _runtime.Plans.Snapshot;

    /// <summary>The store's own client; null over SQLite.</summary>
    public IDatabase? Redis { get; private init; }

    /// <summary>Starts over <c>redis</c>, <c>cluster</c> (three nodes, of which one is named) or <c>sqlite</c>.</summary>
    /// <param name="change">What is applied to the registry beforehand.</param>
    public static async Task<RecordedBank> StartAsync(
        string project, string registryFile, string hashesFile, string store, Action<RegistryProto>? change = null, StatusPolicy? policy = null, TimeProvider? time = null)
    {
        var folder = Directory.CreateTempSubdirectory("replay").FullName;
        var owned = new List<IAsyncDisposable>();
        var yaml = Path.Combine(folder, RepoConfig.FileName);
        await File.WriteAllTextAsync(yaml, $"project: {project}\nregistry: registry.db\nprovider: local\nentity_key_serialization_version: 3\n");
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Golden", registryFile), Path.Combine(folder, "registry.db"));
        var config = RepoConfig.Load(yaml);
        var registry = new RegistryFile(config.RegistryPath, TimeProvider.System).Load();
        change?.Invoke(registry);
        var snapshot = SnapshotCompiler.Compile(registry, config);
        var online = store switch
        {
            "redis" => await RedisAsync(hashesFile, owned),
            "cluster" => await ClusterAsync(hashesFile, owned),
            _ => await SqliteAsync(snapshot, hashesFile, folder),
        };
        owned.Insert(0, online);
        var runtime = new ServingRuntime(
            snapshot,
            online,
            time ?? TimeProvider.System,
            new RetrievalLimits(),
            policy ?? (store == "sqlite" ? StatusPolicy.FeastSqlite : StatusPolicy.FeastRedis),
            new ServingPorts(Materializer: new NoRows()));
        var server = await FeatureServer.StartAsync(runtime, new FeatureServerOptions(IPAddress.Loopback), CancellationToken.None);
        var client = owned.OfType<ConnectionMultiplexer>().SingleOrDefault();
        return new RecordedBank(server, runtime, config, registry, owned, folder) { Store = online, Redis = client?.GetDatabase() };
    }

    /// <summary>Changes the registry, and serves by it from now on.</summary>
    public void Apply(Action<RegistryProto> change)
    {
        change(Registry);
        _runtime.Replace(SnapshotCompiler.Compile(Registry, _config));
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Server.DisposeAsync();
        foreach (var owned in _owned)
        {
            await owned.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<IOnlineStore> RedisAsync(string hashesFile, List<IAsyncDisposable> owned)
    {
        var server = await RedisServer.StartAsync();
        await FillAsync(server.Address, hashesFile, owned);
        owned.Add(server);
        return Open(server.Address, RedisDeployment.Redis);
    }

    private static async Task<IOnlineStore> ClusterAsync(string hashesFile, List<IAsyncDisposable> owned)
    {
        var cluster = await RedisCluster.StartAsync();
        await FillAsync(cluster.Nodes[0].Address, hashesFile, owned);
        owned.Add(cluster);
        return Open(cluster.Nodes[0].Address, RedisDeployment.RedisCluster);
    }

    private static async Task FillAsync(string address, string hashesFile, List<IAsyncDisposable> owned)
    {
        var client = await ConnectionMultiplexer.ConnectAsync(address);
        owned.Add(client);
        foreach (var (key, hash) in Hashes(hashesFile))
        {
            await client.GetDatabase().HashSetAsync(key, [.. hash.Select(f => new HashEntry(Convert.FromHexString(f.Key), f.Value))]);
        }
    }

    private static RedisOnlineStore Open(string address, RedisDeployment deployment) =>
        new(new RedisOnlineStoreOptions(address, deployment, "mymaster", null, false), TimeProvider.System);

    /// <summary>The same rows in SQLite, found by the registry's views.</summary>
    private static async Task<IOnlineStore> SqliteAsync(RegistrySnapshot snapshot, string hashesFile, string folder)
    {
        var store = new SqliteOnlineStore(Path.Combine(folder, "online.db"));
        var project = Encoding.UTF8.GetByteCount(snapshot.Project);
        foreach (var view in snapshot.FeatureViews.Values)
        {
            var table = new OnlineTable(snapshot.Project, view.Name, [.. view.Features.Select(f => f.Name)]);
            var time = Convert.ToHexStringLower(FeatureHash.TimestampField(view.Name));
            var rows = from pair in Hashes(hashesFile)
                       where pair.Hash.ContainsKey(time) && !pair.Key.AsSpan(0, 4).SequenceEqual(new byte[4])
                       select new EncodedRow(
                           pair.Key[..^project],
                           Contract.Values.ValueBytes.TimestampMicros(pair.Hash[time]),
                           null,
                           [.. table.Features.Select(f => pair.Hash[Convert.ToHexStringLower(FeatureHash.Field(view.Name, f))])]);
            await store.EnsureTablesAsync([table], CancellationToken.None);
            await store.WriteAsync(table, [.. rows], OnlineWriteRule.NewerWins, CancellationToken.None);
        }

        return store;
    }

    private static IEnumerable<(byte[] Key, Dictionary<string, byte[]> Hash)> Hashes(string file) =>
        Golden(file).EnumerateArray().Select(k => (
            Convert.FromHexString(k.GetProperty("key_hex").GetString()!),
            k.GetProperty("hash").EnumerateObject().ToDictionary(f => f.Name, f => Convert.FromHexString(f.Value.GetString()!))));

    /// <summary>The recorded runs found nothing new either.</summary>
    private sealed class NoRows : IMaterializer
    {
        public Task MaterializeAsync(IReadOnlyList<FeatureViewModel> views, DateTimeOffset start, DateTimeOffset end, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task MaterializeIncrementalAsync(IReadOnlyList<FeatureViewModel> views, DateTimeOffset end, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
