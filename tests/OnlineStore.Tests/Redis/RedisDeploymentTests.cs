using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore.Redis;
using FeatureStore.Tests.Servers;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Tests.Redis;

/// <summary>The store on a cluster and behind a sentinel, with the shapes of a mistaken redis_type.</summary>
public sealed class RedisDeploymentTests
{
    private static readonly OnlineTable Weekly = new("bank_features", "weekly", ["count", "total"]);
    private static readonly OnlineTable People = new("bank_features", "people", ["age"]);
    private static readonly byte[][] Keys =
        [.. Enumerable.Range(0, 200).Select(i => EntityKeyEncoder.Encode([("user_id", new Value { StringVal = $"u{i:0000}" })], 3))];

    [SkippableFact]
    public async Task Cluster_WrittenReadAndRemoved_IsWhole()
    {
        await using var cluster = await RedisCluster.StartAsync();
        var dead = $"127.0.0.1:{TestProgram.FreePort()}";
        await using var store = Open($"{dead},{cluster.Nodes[1].Address}", RedisDeployment.RedisCluster);
        Assert.Equal(new OnlineWriteCounts(200, 0), await WriteAsync(store, Weekly, 5));
        Assert.Equal(new OnlineWriteCounts(0, 200), await WriteAsync(store, Weekly, 5));
        Assert.Equal(new OnlineWriteCounts(200, 0), await WriteAsync(store, People, 6));
        Assert.All(await SizesAsync(cluster), size => Assert.InRange(size, 20, 180));
        var reads = await store.ReadAsync([People, Weekly], Keys, CancellationToken.None);
        Assert.All(reads[0], r => Assert.Equal(6, r.EventTimeMicros));
        Assert.All(reads[1].Select((r, i) => (r, i)), x => Assert.Equal(ValueBytes.Int64(x.i), x.r.Values[0]));

        await store.RemoveTablesAsync([People], new EntityKeyShape(["user_id"], 3), CancellationToken.None);
        Assert.Equal(200, (await SizesAsync(cluster)).Sum());
        await store.RemoveRowsAsync([Weekly], Keys[..150], CancellationToken.None);
        Assert.Equal(50, (await SizesAsync(cluster)).Sum());
        await store.RemoveTablesAsync([Weekly], new EntityKeyShape(["user_id"], 3), CancellationToken.None);
        Assert.Equal(0, (await SizesAsync(cluster)).Sum());
    }

    [SkippableFact]
    public async Task Cluster_NodeGone_RemoveTablesSaysThatKeysWouldBeMissed()
    {
        await using var cluster = await RedisCluster.StartAsync();
        await using var store = Open(cluster.Nodes[0].Address, RedisDeployment.RedisCluster);
        await WriteAsync(store, Weekly, 5);
        cluster.Nodes[2].Kill();
        await TestProgram.PollAsync("The loss of a node", async cancellationToken =>
            await Record.ExceptionAsync(() => store.ReadAsync([Weekly], Keys, cancellationToken)) is OnlineStoreException);
        await Assert.ThrowsAsync<OnlineStoreException>(
            () => store.RemoveTablesAsync([Weekly], new EntityKeyShape(["user_id"], 3), CancellationToken.None));
    }

    [SkippableFact]
    public async Task Open_WrongKind_NamesTheSetting()
    {
        await using var cluster = await RedisCluster.StartAsync();
        await using var single = await RedisServer.StartAsync();
        foreach (var (address, kind, wayOut) in new[]
                 {
                     (cluster.Nodes[0].Address, RedisDeployment.Redis, "redis_cluster"), (single.Address, RedisDeployment.RedisCluster, "redis_type to redis."),
                 })
        {
            await using var store = Open(address, kind);
            var error = await Assert.ThrowsAsync<OnlineStoreException>(() => WriteAsync(store, Weekly, 5));
            Assert.Contains(wayOut, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Open_ClusterWithADatabase_IsRefused()
    {
        var error = Assert.Throws<OnlineStoreException>(() => Open("h:1,db=1", RedisDeployment.RedisCluster));
        Assert.Contains("db", error.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Sentinel_MasterGone_StoreFollowsToTheNewOne()
    {
        const string Name = "mymaster";
        await using var sentinel = await RedisSentinel.StartAsync(Name);
        var dead = $"127.0.0.1:{TestProgram.FreePort()}";
        await using var store = Open($"{dead},{sentinel.Address},db=8,socket_timeout=1", RedisDeployment.RedisSentinel);
        await WriteAsync(store, Weekly, 5);
        await using (var master = await ConnectionMultiplexer.ConnectAsync(sentinel.Master.Address))
        {
            Assert.Equal(200, await master.GetServers()[0].DatabaseSizeAsync(8));
        }

        await TestProgram.PollAsync("The copy at the replica", async cancellationToken =>
            (await sentinel.Replica.SendAsync("INFO keyspace", cancellationToken)).Contains("db8:keys=200", StringComparison.Ordinal));
        sentinel.Master.Kill();
        await TestProgram.PollAsync("A write to the new master", async _ =>
        {
            try
            {
                return (await WriteAsync(store, Weekly, 7)).Written > 0;
            }
            catch (OnlineStoreException)
            {
                return false;
            }
        });
        Assert.All((await store.ReadAsync([Weekly], Keys, CancellationToken.None))[0], r => Assert.Equal(7, r.EventTimeMicros));
        Assert.Contains("role:master", await sentinel.Replica.SendAsync("INFO replication", CancellationToken.None), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Sentinel_UnknownName_IsAnError()
    {
        await using var sentinel = await RedisSentinel.StartAsync("another");
        await using var store = Open(sentinel.Address, RedisDeployment.RedisSentinel);
        var error = await Assert.ThrowsAsync<OnlineStoreException>(() => WriteAsync(store, Weekly, 5));
        Assert.Contains("mymaster", error.Message, StringComparison.Ordinal);
    }

    private static RedisOnlineStore Open(string connectionString, RedisDeployment deployment) =>
        new(TestRedis.Options(connectionString, deployment), TimeProvider.System);

    private static async Task<long[]> SizesAsync(RedisCluster cluster)
    {
        var replies = await Task.WhenAll(cluster.Nodes.Select(n => n.SendAsync("DBSIZE", CancellationToken.None)));
        return [.. replies.Select(r => long.Parse(r.Trim()[1..], System.Globalization.CultureInfo.InvariantCulture))];
    }

    private static Task<OnlineWriteCounts> WriteAsync(RedisOnlineStore store, OnlineTable table, long micros) => store.WriteAsync(
        table,
        [.. Keys.Select((k, i) => new EncodedRow(k, micros, null, [.. table.Features.Select(_ => ValueBytes.Int64(i))]))],
        OnlineWriteRule.NewerWins,
        CancellationToken.None);
}
