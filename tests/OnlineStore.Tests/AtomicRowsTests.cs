using FeatureStore.OnlineStore.Redis;
using FeatureStore.OnlineStore.Sqlite;
using FeatureStore.OnlineStore.Tests.Redis;
using Xunit.Abstractions;

namespace FeatureStore.OnlineStore.Tests;

public sealed class AtomicRowsTests(ITestOutputHelper output)
{
    private const int Seed = 20261102;

    [SkippableFact]
    public async Task Read_WhileRowsFlip_OnRedis_NeverMixes()
    {
        await using var redis = await TestRedis.StartAsync();
        await using var readers = new RedisOnlineStore(TestRedis.Options(redis.Server.Address), TimeProvider.System);
        output.WriteLine($"Redis, {await AtomicRowsSuite.AssertAsync(redis.Store, readers, Seed)}");
    }

    [Fact]
    public async Task Read_WhileRowsFlip_OnSqlite_NeverMixes()
    {
        var folder = Directory.CreateTempSubdirectory("atomic").FullName;
        try
        {
            await using var store = new SqliteOnlineStore(Path.Combine(folder, "online.db"));
            await using var readers = new SqliteOnlineStore(Path.Combine(folder, "online.db"));
            output.WriteLine($"SQLite, {await AtomicRowsSuite.AssertAsync(store, readers, Seed)}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
