using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.OnlineStore.Redis;
using FeatureStore.Tests.Servers;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Tests.Redis;

/// <summary>What Feast was recorded to store and to refuse on a cluster, behind a sentinel and with <c>key_ttl_seconds</c>, done by this store.</summary>
public sealed partial class RedisRecordedDeploymentTests
{
    private const string Project = "bank_features";
    private const long EventMicros = 1_793_491_200_000_000;
    private static readonly OnlineTable People = new(Project, "user_demographics", ["age", "gender", "location", "occupation"]);
    private static readonly OnlineTable Weekly = new(Project, "user_transactions_l1w",
        ["num_transactions_l1w", "total_amount_l1w", "avg_amount_l1w", "min_amount_l1w", "max_amount_l1w", "num_vendors_l1w", "num_sources_l1w"]);

    [SkippableFact]
    public async Task KeyTtl_MaterialisedAndAgain_IsArmedAsRecorded()
    {
        var (first, again) = (Case("plain, key_ttl_seconds 500: after materialize"), Case("plain, key_ttl_seconds: the same rows again"));
        await using var redis = await TestRedis.StartAsync(o => o with { KeyTtlSeconds = 500 });
        await FillAsync(redis.Store);
        var left = await redis.DumpAsync();
        foreach (var key in first.GetProperty("stored").EnumerateArray())
        {
            var hex = key.GetProperty("key_hex").GetString()!;
            Assert.Equal(key.GetProperty("fields").EnumerateArray().Select(f => f.GetString()), left[hex].Keys);
            Assert.InRange((await redis.Database.KeyTimeToLiveAsync(Convert.FromHexString(hex)))!.Value.TotalSeconds, first.GetProperty("ttls")[0].GetInt32() - 60, first.GetProperty("ttls")[0].GetInt32());
        }

        var held = again.GetProperty("ttls")[0].GetInt32();
        foreach (var key in left.Keys)
        {
            await redis.Database.KeyExpireAsync(Convert.FromHexString(key), TimeSpan.FromSeconds(held));
        }

        await FillAsync(redis.Store);
        foreach (var key in left.Keys)
        {
            Assert.InRange((await redis.Database.KeyTimeToLiveAsync(Convert.FromHexString(key)))!.Value.TotalSeconds, held - 60, held);
        }
    }

    [SkippableFact]
    public async Task Cluster_KeysAndReads_LieAndComeAsRecorded()
    {
        await using var cluster = await RedisCluster.StartAsync();
        var dead = $"127.0.0.1:{TestProgram.FreePort()}";
        await using var store = Open($"{dead},{cluster.Nodes[1].Address}", RedisDeployment.RedisCluster);
        await FillAsync(store);
        await using var client = await ConnectionMultiplexer.ConnectAsync(cluster.Nodes[0].Address);
        Assert.Equal(
            Case("cluster, first node dead").GetProperty("keys_per_node").EnumerateArray().Select(n => n.GetInt32()),
            cluster.Nodes.Select(n => client.GetServer(n.Address).Keys().Count()));

        // The nodes that Feast asked for a key hold it here too, and both read the same.
        foreach (var name in new[] { "cluster, all three nodes: read", "cluster, one node named: read" })
        {
            var nodes = Case(name).GetProperty("commands_per_node");
            for (var n = 0; n < nodes.GetArrayLength(); n++)
            {
                var here = client.GetServer(cluster.Nodes[n].Address).Keys().Select(k => Encoding.Latin1.GetString((byte[])k!)).ToHashSet();
                var asked = nodes[n].EnumerateArray().Select(c => User().Match(c.GetString()!).Groups[1].Value).Where(u => u.Length > 0 && u != "nobody").ToArray();
                Assert.All(asked, u => Assert.Contains(Encoding.Latin1.GetString(EntityKeyEncoder.ForRedis(Key(u), Project)), here));
            }

            await AssertReadAsync(store, Case(name).GetProperty("result"));
        }
    }

    [SkippableFact]
    public async Task Sentinel_Databases_HoldWhatWasRecorded()
    {
        await using var sentinel = await RedisSentinel.StartAsync("mymaster");
        foreach (var (name, more) in new[] { ("sentinel", string.Empty), ("sentinel, db=8", ",db=8") })
        {
            var recorded = Cases().Single(c => c.GetProperty("name").GetString() == name);
            await using var master = await ConnectionMultiplexer.ConnectAsync($"{sentinel.Master.Address},allowAdmin=true");
            await master.GetServers()[0].FlushAllDatabasesAsync();
            await using var store = Open(sentinel.Address + more, RedisDeployment.RedisSentinel);
            await FillAsync(store);
            Assert.Equal(recorded.GetProperty("keys_in_db0").GetInt64(), await master.GetServers()[0].DatabaseSizeAsync(0));
            Assert.Equal(recorded.GetProperty("keys_in_db8").GetInt64(), await master.GetServers()[0].DatabaseSizeAsync(8));
            await AssertReadAsync(store, recorded.GetProperty("read"));
        }
    }

    [SkippableFact]
    public async Task Settings_ThatFeastRefuses_AreRefusedAndWriteNothing()
    {
        await using var cluster = await RedisCluster.StartAsync();
        await using var plain = await RedisServer.StartAsync();
        (string Case, string Address, RedisDeployment Deployment)[] refused =
        [
            ("redis type against a cluster node", cluster.Nodes[0].Address, RedisDeployment.Redis),
            ("cluster type against a plain server", plain.Address, RedisDeployment.RedisCluster),
            ("cluster with db=1", $"{cluster.Nodes[0].Address},db=1", RedisDeployment.RedisCluster),
        ];
        foreach (var (name, address, deployment) in refused)
        {
            Assert.Equal(1, Case(name).GetProperty("materialize").GetProperty("rc").GetInt32());
            await Assert.ThrowsAsync<OnlineStoreException>(async () =>
            {
                await using var store = Open(address, deployment);
                await FillAsync(store);
            });
            await using var client = await ConnectionMultiplexer.ConnectAsync(cluster.Nodes[0].Address);
            Assert.Equal(
                Case(name).GetProperty("keys_per_node").EnumerateArray().Select(n => n.GetInt32()),
                cluster.Nodes.Select(n => client.GetServer(n.Address).Keys().Count()));
        }
    }

    private static async Task AssertReadAsync(IOnlineStore store, JsonElement recorded)
    {
        // Python's dict: each name with the values of all users.
        var columns = Column().Matches(recorded.GetProperty("output").GetString()!).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value.Split(", "));
        byte[][] keys = [.. columns["user_id"].Select(u => Key(u.Trim('\'')))];
        var reads = await store.ReadAsync([Weekly, People], keys, CancellationToken.None);
        Assert.Equal(columns["num_transactions_l1w"], reads[0].Select(r => Python(r.Values[0])));
        Assert.Equal(columns["age"], reads[1].Select(r => Python(r.Values[0])));
    }

    private static string Python(byte[]? stored)
    {
        var value = Value.Parser.ParseFrom(stored ?? []);
        return value.ValCase switch
        {
            Value.ValOneofCase.Int64Val => value.Int64Val.ToString(CultureInfo.InvariantCulture),
            Value.ValOneofCase.Int32Val => value.Int32Val.ToString(CultureInfo.InvariantCulture),
            _ => "None",
        };
    }

    private static byte[] Key(string user) => EntityKeyEncoder.Encode([("user_id", new Value { StringVal = user })], 3);

    private static RedisOnlineStore Open(string connectionString, RedisDeployment deployment) => new(TestRedis.Options(connectionString, deployment), TimeProvider.System);

    private static JsonElement Case(string start) => Cases().Single(c => c.GetProperty("name").GetString()!.StartsWith(start, StringComparison.Ordinal));

    private static IEnumerable<JsonElement> Cases() => Golden("redis_cluster_sentinel.json").GetProperty("cases").EnumerateArray();

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
                    EventMicros,
                    null,
                    [.. table.Features.Select(f => Convert.FromHexString(
                        h.GetProperty("hash").GetProperty(Convert.ToHexStringLower(FeatureHash.Field(table.View, f))).GetString()!))]))],
                OnlineWriteRule.NewerWins,
                CancellationToken.None);
        }
    }

    [GeneratedRegex(@"'([a-z0-9_]+)': \[([^\]]*)\]")]
    private static partial Regex Column();

    [GeneratedRegex(@"x05\\x00\\x00\\x00(u[0-9]{4})bank_features")]
    private static partial Regex User();
}
