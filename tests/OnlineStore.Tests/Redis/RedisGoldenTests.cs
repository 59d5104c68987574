using System.Text;
using System.Text.Json;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using Google.Protobuf.WellKnownTypes;

namespace FeatureStore.OnlineStore.Tests.Redis;

/// <summary>Feast's own hashes: read by us as recorded, and written by us to the same bytes.</summary>
public sealed class RedisGoldenTests
{
    private static readonly OnlineTable[] Bank =
    [
        new("bank_features", "user_transactions_l1w",
        [
            "num_transactions_l1w", "total_amount_l1w", "avg_amount_l1w", "min_amount_l1w", "max_amount_l1w", "num_vendors_l1w", "num_sources_l1w",
        ]),
        new("bank_features", "user_demographics", ["age", "gender", "location", "occupation"]),
    ];

    private static readonly OnlineTable[] Ext =
    [
        new("ext_features", "all_types", ["i32", "i64", "f32", "f64", "str", "byt", "boo", "uts", "li64", "lf32", "lstr", "lbool"]),
        new("ext_features", "pairs", ["spend", "visits"]),
        new("ext_features", "rates", ["base_rate"]),
        new("ext_features", "weather", ["temp"]),
        new("ext_features", "rides", ["driver_id", "rides"]),
        new("ext_features", "odfv_written", ["temp_f", "loc_id"]),
    ];

    public static TheoryData<string> Recordings => ["bank_features", "ext_features"];

    [SkippableTheory]
    [MemberData(nameof(Recordings))]
    public async Task Read_FeastsHashes_GivesEveryRecordedValue(string project)
    {
        await using var redis = await TestRedis.StartAsync();
        foreach (var (key, hash) in Recorded(project))
        {
            await redis.Database.HashSetAsync(key, [.. hash.Select(f => new StackExchange.Redis.HashEntry(f.Key, f.Value))]);
        }

        foreach (var (key, hash) in Recorded(project))
        {
            var tables = TablesOf(project, hash);
            var reads = await redis.Store.ReadAsync(tables, [EntityKey(key, project)], CancellationToken.None);
            var seen = 0;
            for (var t = 0; t < tables.Length; t++)
            {
                Assert.Equal(hash[FeatureHash.TimestampField(tables[t].View)], ValueBytes.Timestamp(reads[t][0].EventTimeMicros!.Value));
                Assert.Equal(tables[t].Features.Select(f => hash[FeatureHash.Field(tables[t].View, f)]), reads[t][0].Values);
                seen += 1 + tables[t].Features.Count;
            }

            Assert.Equal(hash.Count, seen);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Recordings))]
    public async Task Write_TheSameRows_LeavesFeastsHashes(string project)
    {
        await using var redis = await TestRedis.StartAsync();
        var rows = Recorded(project).SelectMany(r => TablesOf(project, r.Hash).Select(t => (Table: t, Row: Row(r.Key, r.Hash, t)))).ToArray();
        foreach (var table in rows.GroupBy(r => r.Table))
        {
            await redis.Store.WriteAsync(table.Key, [.. table.Select(r => r.Row)], OnlineWriteRule.NewerWins, CancellationToken.None);
        }

        var expected = Recorded(project).ToDictionary(
            r => Convert.ToHexStringLower(r.Key),
            r => r.Hash.Select(f => $"{Convert.ToHexStringLower(f.Key)}={Convert.ToHexStringLower(f.Value)}").Order(StringComparer.Ordinal));
        var actual = await redis.DumpAsync();
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), actual.Keys);
        Assert.All(actual, k => Assert.Equal(expected[k.Key], k.Value.Select(f => $"{f.Key}={f.Value}").Order(StringComparer.Ordinal)));
    }

    [SkippableFact]
    public async Task Write_EveryRecordedTime_StoresFeastsBytes()
    {
        await using var redis = await TestRedis.StartAsync();
        var table = new OnlineTable("p", "v", ["f"]);
        foreach (var time in Golden("redis_keys.json").GetProperty("ts_values").EnumerateArray())
        {
            var moment = new Timestamp { Seconds = long.Parse(time.GetProperty("seconds").GetString()!), Nanos = time.GetProperty("nanos").GetInt32() };
            var micros = (moment.Seconds * 1_000_000) + (moment.Nanos / 1_000);
            await redis.Database.ExecuteAsync("FLUSHALL");
            await redis.Store.WriteAsync(table, [new EncodedRow([1], micros, null, [[]])], OnlineWriteRule.NewerWins, CancellationToken.None);
            var stored = (byte[]?)await redis.Database.HashGetAsync(EntityKeyEncoder.ForRedis([1], "p"), "_ts:v");
            Assert.Equal(time.GetProperty("ts_field_value_hex").GetString(), Convert.ToHexStringLower(stored!));
            Assert.Equal(micros, (await redis.Store.ReadAsync([table], [[1]], CancellationToken.None))[0][0].EventTimeMicros);
        }
    }

    private static JsonElement Golden(string name) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", name))).RootElement;

    private static IEnumerable<(byte[] Key, Dictionary<byte[], byte[]> Hash)> Recorded(string project) =>
        Golden($"{project}_redis.json").EnumerateArray().Select(r => (
            Convert.FromHexString(r.GetProperty("key_hex").GetString()!),
            r.GetProperty("hash").EnumerateObject().ToDictionary(
                f => Convert.FromHexString(f.Name), f => Convert.FromHexString(f.Value.GetString()!), EntityKeyComparer.Instance)));

    // Which views have a row: those whose event time is there.
    private static OnlineTable[] TablesOf(string project, Dictionary<byte[], byte[]> hash) =>
        [.. (project == "bank_features" ? Bank : Ext).Where(t => hash.ContainsKey(FeatureHash.TimestampField(t.View)))];

    private static byte[] EntityKey(byte[] redisKey, string project) => redisKey[..^Encoding.UTF8.GetByteCount(project)];

    private static EncodedRow Row(byte[] key, Dictionary<byte[], byte[]> hash, OnlineTable table) => new(
        EntityKey(key, table.Project),
        ValueBytes.TimestampMicros(hash[FeatureHash.TimestampField(table.View)]),
        null,
        [.. table.Features.Select(f => hash[FeatureHash.Field(table.View, f)])]);
}
