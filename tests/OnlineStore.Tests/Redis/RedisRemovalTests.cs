using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Tests.Redis;

/// <summary>What is taken out of shared hashes, and what must stay; key expiry beside it.</summary>
public sealed class RedisRemovalTests
{
    private const int Ttl = 500;

    public static TheoryData<string[], int> JoinKeys => new()
    {
        { ["user_id"], 3 },
        { ["user_id"], 2 },
        { ["b", "a"], 3 },
        { ["b", "a"], 2 },
        { [], 3 },
        // The length byte of a name is a character that means something in a glob: 42 '*', 63 '?', 91 '['.
        { [new string('n', 42)], 3 },
        { [new string('n', 63)], 3 },
        { [new string('n', 91)], 3 },
        { ["w[a-z]*?\\"], 3 },
    };

    [SkippableTheory]
    [MemberData(nameof(JoinKeys))]
    public async Task RemoveTables_AnyJoinKeys_TakesExactlyTheirRows(string[] joinKeys, int version)
    {
        await using var redis = await TestRedis.StartAsync();
        const string Project = "bank*[x]";
        var mine = new OnlineTable(Project, "weekly", ["count"]);
        var keys = Enumerable.Range(0, joinKeys.Length == 0 ? 1 : 30).Select(i => Key(joinKeys, version, i)).ToArray();
        await WriteAsync(redis, mine, keys);

        // Alike but not the same: another project with this ending or pattern, more join keys, one that starts alike.
        foreach (var project in new[] { "x_" + Project, "bankzz[x]", "bank*x" })
        {
            await WriteAsync(redis, mine with { Project = project }, keys);
        }

        await WriteAsync(redis, mine, [Key([.. joinKeys, "zz"], version, 1), Key([.. joinKeys.Select(k => k + "_2"), "z"], version, 1)]);
        await redis.Database.StringSetAsync("unrelated", 1);
        var before = (await redis.Client.GetServers()[0].DatabaseSizeAsync()) - keys.Length;
        for (var times = 0; times < 2; times++)
        {
            await redis.Store.RemoveTablesAsync([mine], new EntityKeyShape(joinKeys, version), CancellationToken.None);
            Assert.Equal(before, await redis.Client.GetServers()[0].DatabaseSizeAsync());
            Assert.All((await redis.Store.ReadAsync([mine], keys, CancellationToken.None))[0], r => Assert.Null(r.EventTimeMicros));
        }
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Remove_OneOfTwoViews_KeepsForeignOwnersAndExpiry(bool byKeys)
    {
        await using var redis = await TestRedis.StartAsync(o => o with { KeyTtlSeconds = Ttl });
        var weekly = new OnlineTable("p", "weekly", ["count", "total"]);
        var people = new OnlineTable("p", "people", ["age"]);
        byte[][] keys = [Key(["user_id"], 3, 1), Key(["user_id"], 3, 2), Key(["user_id"], 3, 3)];
        await WriteAsync(redis, weekly, keys);
        await WriteAsync(redis, people, keys[..1]);
        RedisKey shared = EntityKeyEncoder.ForRedis(keys[0], "p");
        RedisKey foreign = EntityKeyEncoder.ForRedis(keys[1], "p");
        await redis.Database.HashSetAsync(foreign, "_ts:gone_view", "x");
        await (byKeys
            ? redis.Store.RemoveRowsAsync([weekly], keys, CancellationToken.None)
            : redis.Store.RemoveTablesAsync([weekly], new EntityKeyShape(["user_id"], 3), CancellationToken.None));
        Assert.Equal(2, await redis.Database.HashLengthAsync(shared));
        Assert.Equal("_ts:gone_view", (string?)Assert.Single(await redis.Database.HashKeysAsync(foreign)));
        Assert.False(await redis.Database.KeyExistsAsync(EntityKeyEncoder.ForRedis(keys[2], "p")));
        Assert.True(await redis.Database.KeyTimeToLiveAsync(shared) > TimeSpan.FromSeconds(Ttl - 60));
        await redis.Store.RemoveRowsAsync([people], keys, CancellationToken.None);
        Assert.False(await redis.Database.KeyExistsAsync(shared));
    }

    [SkippableFact]
    public async Task RemoveRows_KeyWithoutTheView_StaysAsItIs()
    {
        await using var redis = await TestRedis.StartAsync();
        var key = Key(["user_id"], 3, 1);
        await redis.Database.HashSetAsync(EntityKeyEncoder.ForRedis(key, "p"), "leftover", "x");
        await redis.Store.RemoveRowsAsync([new OnlineTable("p", "weekly", ["count"])], [key], CancellationToken.None);
        Assert.True(await redis.Database.KeyExistsAsync(EntityKeyEncoder.ForRedis(key, "p")));
    }

    [SkippableFact]
    public async Task Write_KeyTtl_IsArmedByAcceptedRowsAlone()
    {
        await using var redis = await TestRedis.StartAsync(o => o with { KeyTtlSeconds = Ttl });
        var table = new OnlineTable("p", "weekly", ["count"]);
        var key = Key(["user_id"], 3, 1);
        await WriteAsync(redis, table, [key]);
        var hash = (RedisKey)EntityKeyEncoder.ForRedis(key, "p");
        Assert.InRange((await redis.Database.KeyTimeToLiveAsync(hash))!.Value.TotalSeconds, Ttl - 60, Ttl);
        await redis.Database.KeyExpireAsync(hash, TimeSpan.FromSeconds(95));
        await WriteAsync(redis, table, [key]);
        Assert.True(await redis.Database.KeyTimeToLiveAsync(hash) <= TimeSpan.FromSeconds(95));
        await WriteAsync(redis, table, [key], micros: 6);
        Assert.True(await redis.Database.KeyTimeToLiveAsync(hash) > TimeSpan.FromSeconds(95));
    }

    [SkippableFact]
    public async Task Write_SkipDedup_TakesOlderRowsToo()
    {
        await using var redis = await TestRedis.StartAsync(o => o with { SkipDedup = true });
        var table = new OnlineTable("p", "weekly", ["count"]);
        var key = Key(["user_id"], 3, 1);
        await redis.Database.HashSetAsync(EntityKeyEncoder.ForRedis(key, "p"), "_ts:weekly", "garbage");
        await WriteAsync(redis, table, [key], micros: 9);
        Assert.Equal(new OnlineWriteCounts(1, 0), await WriteAsync(redis, table, [key], micros: 5));
        Assert.Equal(5, (await redis.Store.ReadAsync([table], [key], CancellationToken.None))[0][0].EventTimeMicros);
    }

    [SkippableFact]
    public async Task Write_MoreFeaturesThanAScriptCallTakes_StoresAll()
    {
        await using var redis = await TestRedis.StartAsync();
        var table = new OnlineTable("p", "wide", [.. Enumerable.Range(0, 9_000).Select(i => $"f{i}")]);
        var key = Key(["user_id"], 3, 1);
        await WriteAsync(redis, table, [key]);
        var read = (await redis.Store.ReadAsync([table], [key], CancellationToken.None))[0][0];
        Assert.All(read.Values, v => Assert.Equal([32, 1], v));
        Assert.Equal(9_001, await redis.Database.HashLengthAsync(EntityKeyEncoder.ForRedis(key, "p")));
        Assert.Equal(read.Values, (await redis.Store.ReadAsync([table], [key], CancellationToken.None))[0][0].Values);
        await redis.Store.RemoveRowsAsync([table], [key], CancellationToken.None);
        Assert.Equal(0, await redis.Client.GetServers()[0].DatabaseSizeAsync());
    }

    private static byte[] Key(IReadOnlyList<string> joinKeys, int version, int value) =>
        EntityKeyEncoder.Encode([.. joinKeys.Select(k => (k, new Value { StringVal = $"u{value}" }))], version);

    private static Task<OnlineWriteCounts> WriteAsync(TestRedis redis, OnlineTable table, byte[][] keys, long micros = 5) =>
        redis.Store.WriteAsync(
            table,
            [.. keys.Select(k => new EncodedRow(k, micros, null, [.. table.Features.Select(_ => new byte[] { 32, 1 })]))],
            OnlineWriteRule.NewerWins,
            CancellationToken.None);
}
