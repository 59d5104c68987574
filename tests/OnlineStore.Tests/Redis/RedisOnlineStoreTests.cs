using FeatureStore.OnlineStore.Redis;
using FeatureStore.Tests.Servers;

namespace FeatureStore.OnlineStore.Tests.Redis;

/// <summary>The suite on a real server.</summary>
public sealed class RedisOnlineStoreTests : OnlineStoreSuite
{
    private RedisServer? _server;
    private RedisOnlineStore? _store;

    protected override IOnlineStore Store => _store!;

    public override async Task InitializeAsync()
    {
        _server = await RedisServer.StartAsync();
        _store = new RedisOnlineStore(TestRedis.Options(_server.Address), TimeProvider.System);
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await base.DisposeAsync();
            await _server.DisposeAsync();
        }
    }
}
