using System.Globalization;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore;
using FeatureStore.OnlineStore.Redis;
using FeatureStore.OnlineStore.Sqlite;
using FeatureStore.Serving.Retrieval;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Serving.Tests.Retrieval;

/// <summary>
/// One set of cases, run over each real store under each policy and asked over both APIs: the value and status of every
/// kind of row, while the clock steps an hour either way and by a millisecond around the end of the ttl.
/// </summary>
public sealed class SharedCaseTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);
    private static readonly string[] Users = ["whole", "nulls", "nobody", "early"];

    // What the clock says, from the end of the ttl on; it goes back as often as forward.
    private static readonly TimeSpan[] Steps =
        [-Hour, TimeSpan.Zero, Hour, -Hour, -Millisecond, Millisecond, -Millisecond, Hour + Millisecond, TimeSpan.Zero, Millisecond, Hour - Millisecond, -Hour + Millisecond];

    public static TheoryData<string, string> Servers => new()
    {
        { "redis", "strict" },
        { "redis", "feast" },
        { "sqlite", "strict" },
        { "sqlite", "feast" },
    };

    [SkippableTheory]
    [MemberData(nameof(Servers))]
    public async Task Ask_EveryKindOfRowWhileTheClockSteps_BothApisSayWhatThePolicySays(string store, string policy)
    {
        await using var redis = store == "redis" ? await RedisServer.StartAsync() : null;
        var folder = Directory.CreateTempSubdirectory("shared").FullName;
        try
        {
            await using IOnlineStore rows = redis is null
                ? new SqliteOnlineStore(Path.Combine(folder, "online.db"))
                : new RedisOnlineStore(new RedisOnlineStoreOptions(redis.Address, RedisDeployment.Redis, "mymaster", null, false), TimeProvider.System);
            await WriteAsync(rows);
            var feast = redis is null ? StatusPolicy.FeastSqlite : StatusPolicy.FeastRedis;
            await using var bank = await ServedBank.StartAsync(store: rows, policy: policy == "strict" ? StatusPolicy.Strict : feast);
            foreach (var step in Steps)
            {
                bank.Time.Now = ServedBank.EventTime + ServedBank.Ttl + step;
                foreach (var feature in new[] { "count", "average", "seen" })
                {
                    string[] expected = [.. Users.Select(user => Expected(store, policy, feature, user, step))];
                    var (grpc, http) = await bank.AskBothAsync($"weekly:{feature}", Users);
                    var where = $"{feature} at {step.TotalMilliseconds.ToString(CultureInfo.InvariantCulture)} ms past the ttl";
                    Assert.Equal((where, string.Join(", ", expected)), (where, string.Join(", ", grpc)));
                    Assert.Equal((where, string.Join(", ", expected)), (where, string.Join(", ", http)));
                }
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // The rule written down a second time, from the words, and not in the order of the server's code.
    private static string Expected(string store, string policy, string feature, string user, TimeSpan pastTtl)
    {
        var value = (user, feature) switch
        {
            ("whole", "count") => "3",
            ("whole", "average") => "null",
            ("whole", "seen") => "1793491200",
            ("early", "count") => "4",
            ("nulls", "seen") when policy == "feast" => long.MinValue.ToString(CultureInfo.InvariantCulture),
            _ => "null",
        };
        var status = policy == "feast"
            ? user == "nobody" && store == "sqlite" ? "NOT_FOUND" : "PRESENT"
            : user == "nobody" ? "NOT_FOUND"
            : (user == "early" ? pastTtl + Hour : pastTtl) > TimeSpan.Zero ? "OUTSIDE_MAX_AGE"
            : value == "null" ? "NULL_VALUE" : "PRESENT";
        return $"{value} {status}";
    }

    private static async Task WriteAsync(IOnlineStore store)
    {
        var table = new OnlineTable("bank", "weekly", ["count", "average", "seen"]);
        await store.EnsureTablesAsync([table], CancellationToken.None);
        await store.WriteAsync(
            table,
            [
                Row("whole", ServedBank.EventTime, ValueBytes.Int64(3), ValueBytes.Null, ValueBytes.UnixTimestamp(1_793_491_200)),
                Row("nulls", ServedBank.EventTime, ValueBytes.Null, ValueBytes.Null, ValueBytes.UnixTimestamp(long.MinValue)),
                Row("early", ServedBank.EventTime - Hour, ValueBytes.Int64(4), ValueBytes.Null, ValueBytes.Null),
            ],
            OnlineWriteRule.NewerWins,
            CancellationToken.None);
    }

    private static EncodedRow Row(string user, DateTimeOffset time, params byte[][] values) =>
        new(EntityKeyEncoder.Encode([("user_id", ServedBank.Text(user))], 3), time.ToUnixTimeMilliseconds() * 1000, null, values);
}
