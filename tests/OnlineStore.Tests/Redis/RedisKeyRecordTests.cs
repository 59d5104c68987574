using System.Diagnostics;
using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.OnlineStore.Redis;
using FeatureStore.Tests.Servers;

namespace FeatureStore.OnlineStore.Tests.Redis;

/// <summary>The record of pushed entities, by which a removed view's rows are found without a scan.</summary>
public sealed class RedisKeyRecordTests
{
    private static readonly OnlineTable Weekly = new("bank", "weekly", ["count"]);
    private static readonly byte[][] Keys = [.. Enumerable.Range(0, 2_500).Select(i => EntityKeyEncoder.Encode([("user_id", new Value { StringVal = $"u{i:0000}" })], 3))];

    [SkippableFact]
    public async Task Record_KeysAgainAndAgain_GivesEachAndNoOthers()
    {
        await using var redis = await TestRedis.StartAsync();
        await redis.Store.RecordKeysAsync(Weekly, Keys, CancellationToken.None);
        await redis.Store.RecordKeysAsync(Weekly, [Keys[0], Keys[0], Keys[7]], CancellationToken.None);
        await redis.Store.RecordKeysAsync(Weekly with { View = "weekly_v1" }, Keys[..1], CancellationToken.None);
        await redis.Store.RecordKeysAsync(Weekly with { Project = "x_bank" }, Keys[..1], CancellationToken.None);
        Assert.Equal(Hex(Keys), await ReadAsync(redis.Store, Weekly));
        Assert.Equal(Hex(Keys[..1]), await ReadAsync(redis.Store, Weekly with { Project = "x_bank" }));
        Assert.Empty(await ReadAsync(redis.Store, Weekly with { Project = "nobody" }));

        // What a removal that was cut off leaves is found by the next one.
        await redis.Store.ForgetKeysAsync(Weekly, Keys[..1_200], CancellationToken.None);
        await redis.Store.ForgetKeysAsync(Weekly, Keys[..1_200], CancellationToken.None);
        Assert.Equal(Hex(Keys[1_200..]), await ReadAsync(redis.Store, Weekly));
        await redis.Store.ForgetKeysAsync(Weekly, Keys, CancellationToken.None);
        Assert.Equal(2, await redis.Client.GetServers()[0].DatabaseSizeAsync());
    }

    [SkippableFact]
    public async Task RemoveTables_WithARecord_TakesItAlongAndNoRowIsTakenForOne()
    {
        await using var redis = await TestRedis.StartAsync();
        var sister = Weekly with { View = "sister" };
        await redis.Store.RecordKeysAsync(Weekly, Keys, CancellationToken.None);
        await redis.Store.RecordKeysAsync(sister, Keys[..3], CancellationToken.None);
        await redis.Store.WriteAsync(Weekly, [new EncodedRow(Keys[0], 5, null, [[32, 1]])], OnlineWriteRule.NewerWins, CancellationToken.None);
        await redis.Store.RemoveTablesAsync([Weekly], new EntityKeyShape(["user_id"], 3), CancellationToken.None);
        Assert.Empty(await ReadAsync(redis.Store, Weekly));
        Assert.Equal(Hex(Keys[..3]), await ReadAsync(redis.Store, sister));
    }

    [SkippableFact]
    public async Task Record_OnACluster_IsSharedOut()
    {
        await using var cluster = await RedisCluster.StartAsync();
        await using var store = new RedisOnlineStore(TestRedis.Options(cluster.Nodes[0].Address, RedisDeployment.RedisCluster), TimeProvider.System);
        await store.RecordKeysAsync(Weekly, Keys, CancellationToken.None);
        Assert.Equal(Hex(Keys), await ReadAsync(store, Weekly));
        foreach (var node in cluster.Nodes)
        {
            Assert.NotEqual(":0", (await node.SendAsync("DBSIZE", CancellationToken.None)).Trim());
        }

        await store.ForgetKeysAsync(Weekly, Keys, CancellationToken.None);
        Assert.Empty(await ReadAsync(store, Weekly));
    }

    [SkippableFact]
    public async Task Record_ServerGone_IsTheStoresError()
    {
        await using var redis = await TestRedis.StartAsync(o => o with { ConnectionString = o.ConnectionString + ",socket_timeout=0.5" });
        await redis.Store.RecordKeysAsync(Weekly, Keys[..1], CancellationToken.None);
        redis.Server.Kill();
        var started = Stopwatch.GetTimestamp();
        await Assert.ThrowsAsync<OnlineStoreException>(() => redis.Store.RecordKeysAsync(Weekly, Keys[..1], CancellationToken.None));
        await Assert.ThrowsAsync<OnlineStoreException>(() => ReadAsync(redis.Store, Weekly));
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 10);
    }

    private static async Task<SortedSet<string>> ReadAsync(IOnlineStore store, OnlineTable table)
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        await foreach (var keys in store.RecordedKeysAsync(table, CancellationToken.None))
        {
            Assert.InRange(keys.Count, 1, 4_000);
            found.UnionWith(Hex([.. keys]));
        }

        return found;
    }

    private static SortedSet<string> Hex(byte[][] keys) => new(keys.Select(Convert.ToHexString), StringComparer.Ordinal);
}
