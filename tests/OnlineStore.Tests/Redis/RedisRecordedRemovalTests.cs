using System.Text;
using System.Text.Json;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.OnlineStore.Redis;
using FeatureStore.Tests.Servers;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Tests.Redis;

/// <summary>Feast's recorded removal of a view, repeated by us over the recorded hashes: on one server and on a cluster.</summary>
public sealed class RedisRecordedRemovalTests
{
    private const string Project = "bank_features";
    private static readonly OnlineTable People = new(Project, "user_demographics", ["age", "gender", "location", "occupation"]);
    private static readonly OnlineTable Weekly = new(Project, "user_transactions_l1w",
        ["num_transactions_l1w", "total_amount_l1w", "avg_amount_l1w", "min_amount_l1w", "max_amount_l1w", "num_vendors_l1w", "num_sources_l1w"]);

    private static readonly EntityKeyShape Users = new(["user_id"], 3);

    [SkippableFact]
    public async Task RemoveTables_OnOneServer_LeavesTheRecordedFields()
    {
        await using var redis = await TestRedis.StartAsync(o => o with { KeyTtlSeconds = 500 });
        await FillAsync(redis.Store);
        var foreign = Convert.FromHexString("010000000200000007000000757365725f69640200000005000000753030303062616e6b5f6665617475726573");
        await redis.Database.HashSetAsync(foreign, "_ts:gone_view", "x");
        await redis.Database.HashSetAsync("unrelated", "a", "x");
        var stranger = EntityKeyEncoder.ForRedis(foreign.AsSpan(0, foreign.Length - Project.Length), "x_" + Project);
        await redis.Database.HashSetAsync(stranger, "_ts:user_demographics", "x");

        await redis.Store.RemoveTablesAsync([People], Users, CancellationToken.None);
        var left = await redis.DumpAsync();
        var recorded = Case("plain: apply with user_demographics removed").GetProperty("stored").EnumerateArray().ToArray();
        Assert.NotEmpty(recorded);
        foreach (var key in recorded)
        {
            Assert.Equal(
                key.GetProperty("fields").EnumerateArray().Select(f => f.GetString()),
                left[key.GetProperty("key_hex").GetString()!].Keys);
        }

        // Feast takes the key of the project that merely ends alike; we do not.
        Assert.True(await redis.Database.KeyExistsAsync(stranger));
        Assert.Equal(Case("plain: apply with user_demographics removed").GetProperty("keys").GetInt32(), left.Count - 1);
        await redis.Store.RemoveTablesAsync([Weekly], Users, CancellationToken.None);
        Assert.Equal(
            new[] { foreign, stranger, "unrelated"u8.ToArray() }.Select(Convert.ToHexStringLower).Order(StringComparer.Ordinal),
            (await redis.DumpAsync()).Keys);
    }

    [SkippableFact]
    public async Task RemoveTables_OnACluster_LeavesTheRecordedKeysOnEachNode()
    {
        await using var cluster = await RedisCluster.StartAsync();
        var options = TestRedis.Options(cluster.Nodes[0].Address, RedisDeployment.RedisCluster) with { KeyTtlSeconds = 1_000 };
        await using var store = new RedisOnlineStore(options, TimeProvider.System);
        await FillAsync(store);
        await store.RemoveTablesAsync([People], Users, CancellationToken.None);
        await using var client = await ConnectionMultiplexer.ConnectAsync(cluster.Nodes[0].Address);
        var nodes = Case("cluster: apply with view user_demographics removed").GetProperty("stored").EnumerateObject().ToArray();
        for (var n = 0; n < nodes.Length; n++)
        {
            var recorded = nodes[n].Value.EnumerateArray().ToArray();
            var keys = client.GetServer(cluster.Nodes[n].Address).Keys().Select(k => Convert.ToHexStringLower((byte[])k!)).ToHashSet();
            foreach (var key in recorded)
            {
                var hex = key.GetProperty("key_hex").GetString()!;
                Assert.Contains(hex, keys);
                Assert.Equal(key.GetProperty("fields").GetInt32(), await client.GetDatabase().HashLengthAsync(Convert.FromHexString(hex)));
                Assert.True(await client.GetDatabase().KeyTimeToLiveAsync(Convert.FromHexString(hex)) is not null);
            }
        }

        await store.RemoveTablesAsync([Weekly], Users, CancellationToken.None);
        Assert.All(cluster.Nodes, node => Assert.Empty(client.GetServer(node.Address).Keys()));
    }

    private static JsonElement Case(string name) =>
        Golden("redis_cluster_sentinel.json").GetProperty("cases").EnumerateArray()
            .Single(c => c.GetProperty("name").GetString()!.StartsWith(name, StringComparison.Ordinal));

    private static JsonElement Golden(string name) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", name))).RootElement;

    private static async Task FillAsync(IOnlineStore store)
    {
        var length = Encoding.UTF8.GetByteCount(Project);
        foreach (var table in new[] { Weekly, People })
        {
            await store.WriteAsync(
                table,
                [.. Golden("bank_features_redis.json").EnumerateArray().Select(h => new EncodedRow(
                    Convert.FromHexString(h.GetProperty("key_hex").GetString()!)[..^length],
                    1_793_491_200_000_000,
                    null,
                    [.. table.Features.Select(f => Convert.FromHexString(
                        h.GetProperty("hash").GetProperty(Convert.ToHexStringLower(FeatureHash.Field(table.View, f))).GetString()!))]))],
                OnlineWriteRule.NewerWins,
                CancellationToken.None);
        }
    }
}
