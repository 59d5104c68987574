using FeatureStore.OnlineStore.Redis;
using FeatureStore.Tests.Servers;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Tests.Redis;

/// <summary>A server with an empty store on it, and a plain client to see and lay what lies in it.</summary>
internal sealed class TestRedis : IAsyncDisposable
{
    private TestRedis(RedisServer server, RedisOnlineStore store, ConnectionMultiplexer client)
    {
        Server = server;
        Store = store;
        Client = client;
    }

    public RedisServer Server { get; }

    public RedisOnlineStore Store { get; }

    public ConnectionMultiplexer Client { get; }

    public IDatabase Database => Client.GetDatabase();

    public static RedisOnlineStoreOptions Options(string connectionString, RedisDeployment type = RedisDeployment.Redis) =>
        new(connectionString, type, "mymaster", null, false);

    public static async Task<TestRedis> StartAsync(Func<RedisOnlineStoreOptions, RedisOnlineStoreOptions>? change = null)
    {
        var server = await RedisServer.StartAsync();
        var options = Options(server.Address);
        return new TestRedis(
            server,
            new RedisOnlineStore(change is null ? options : change(options), TimeProvider.System),
            await ConnectionMultiplexer.ConnectAsync($"{server.Address},abortConnect=false,allowAdmin=true"));
    }

    /// <summary>Every key with its hash, as lower-case hex.</summary>
    public async Task<SortedDictionary<string, SortedDictionary<string, string>>> DumpAsync()
    {
        var keys = new SortedDictionary<string, SortedDictionary<string, string>>(StringComparer.Ordinal);
        await foreach (var key in Client.GetServers()[0].KeysAsync())
        {
            var hash = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var entry in await Database.HashGetAllAsync(key))
            {
                hash[Hex(entry.Name)] = Hex(entry.Value);
            }

            keys[Hex((byte[])key!)] = hash;
        }

        return keys;
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        await Client.DisposeAsync();
        await Server.DisposeAsync();
    }

    private static string Hex(RedisValue value) => Hex((byte[])value!);

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
