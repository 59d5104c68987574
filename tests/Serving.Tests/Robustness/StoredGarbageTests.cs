using System.Text.Json;
using Feast.Serving;
using FeatureStore.Client;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore;
using FeatureStore.OnlineStore.Redis;
using FeatureStore.OnlineStore.Sqlite;
using FeatureStore.Serving.Retrieval;
using FeatureStore.Tests.Servers;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Data.Sqlite;
using StackExchange.Redis;

namespace FeatureStore.Serving.Tests.Robustness;

/// <summary>What another program may have left in a real store: an answer, or an error that names the view and the feature, by both APIs.</summary>
public sealed class StoredGarbageTests
{
    private const int Garbage = 150;
    private const string User = "u1";
    private static readonly OnlineTable Weekly = new("bank", "weekly", ["count", "average", "seen"]);
    private static readonly byte[] Key = EntityKeyEncoder.Encode([("user_id", ServedBank.Text(User))], 3);

    public static TheoryData<bool> Policies => [true, false];

    [SkippableTheory]
    [MemberData(nameof(Policies))]
    public async Task Ask_GarbageInRedis_IsAnsweredOrNamed(bool truthful)
    {
        await using var redis = await RedisServer.StartAsync();
        await using var client = await ConnectionMultiplexer.ConnectAsync(redis.Address);
        await using var store = new RedisOnlineStore(new RedisOnlineStoreOptions(redis.Address, RedisDeployment.Redis, "mymaster", null, false), TimeProvider.System);
        await using var bank = await ServedBank.StartAsync(store: store, policy: truthful ? StatusPolicy.Strict : StatusPolicy.FeastRedis);
        var key = (RedisKey)EntityKeyEncoder.ForRedis(Key, "bank");
        await FuzzAsync(bank, async (value, time) =>
        {
            await client.GetDatabase().KeyDeleteAsync(key);
            await client.GetDatabase().HashSetAsync(key, [new(FeatureHash.Field("weekly", "count"), value), new(FeatureHash.TimestampField("weekly"), time)]);
        });

        await client.GetDatabase().KeyDeleteAsync(key);
        await client.GetDatabase().StringSetAsync(key, "no hash");
        await ExpectAsync(bank, "a key of another type", named: "weekly");
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public async Task Ask_GarbageInSqlite_IsAnsweredOrNamed(bool truthful)
    {
        var folder = Directory.CreateTempSubdirectory("garbage").FullName;
        var file = Path.Combine(folder, "online.db");
        await using var store = new SqliteOnlineStore(file);
        await store.EnsureTablesAsync([Weekly], CancellationToken.None);
        await using var bank = await ServedBank.StartAsync(store: store, policy: truthful ? StatusPolicy.Strict : StatusPolicy.FeastSqlite);
        await using var connection = new SqliteConnection($"Data Source={file};Pooling=False");
        await connection.OpenAsync();
        await FuzzAsync(bank, (value, time) => SetAsync(connection, value, time));
        foreach (var (name, value, time) in new (object?, object?, object?)[]
        {
            ("count", "text", 1L), ("count", 7L, 1L), ("count", null, 1L), ("count", 1.5, 1L), ("count", Array.Empty<byte>(), 1L), ("count", ValueBytes.Int64(1), null),
            ("count", ValueBytes.Int64(1), "yesterday"), ("count", ValueBytes.Int64(1), 1.5), ("count", ValueBytes.Int64(1), long.MaxValue),
            ("count", ValueBytes.Int64(1), long.MinValue), (null, ValueBytes.Int64(1), 1L), (new byte[] { 255, 0 }, ValueBytes.Int64(1), 1L), (7L, ValueBytes.Int64(1), 1L),
        })
        {
            await SetAsync(connection, name, value, time);
            await ExpectAsync(bank, $"{name ?? "null"} = {value ?? "null"} at {time ?? "null"}", null);
        }

        await connection.CloseAsync();
        Directory.Delete(folder, recursive: true);
    }

    private static async Task FuzzAsync(ServedBank bank, Func<byte[], byte[], Task> put)
    {
        var random = new Random(Fuzzing.Seed);
        var time = ValueBytes.Timestamp(ServedBank.EventTime.ToUnixTimeMilliseconds() * 1000);
        byte[][] valid = [ValueBytes.Int64(-3), ValueBytes.Double(1.5), ValueBytes.Text("text"), ValueBytes.UnixTimestamp(17)];
        for (var i = 0; i < Fuzzing.Times(Garbage); i++)
        {
            var value = Fuzzing.Mutate(valid[random.Next(valid.Length)], random);
            var moment = random.Next(3) == 0 ? Fuzzing.Mutate(time, random) : time;
            await put(value, moment);
            await ExpectAsync(bank, $"seed {Fuzzing.Seed}, {i}: {Convert.ToHexString(value)} at {Convert.ToHexString(moment)}", null);
        }

        var noise = new byte[16];
        random.NextBytes(noise);
        noise[0] = 0xff;
        await put(noise, time);
        await ExpectAsync(bank, "sixteen random bytes", named: "count");
    }

    // An error where one is due must name the view, and the feature where it is the value that is wrong.
    private static async Task ExpectAsync(ServedBank bank, string where, string? named)
    {
        var (status, body) = await bank.PostAsync("/get-online-features", "{\"features\":[\"weekly:count\"],\"entities\":{\"user_id\":[\"" + User + "\"]}}");
        if ((int)status != 200 || named is not null)
        {
            Assert.True((int)status is 500 or 503, $"{where}: {status} {body}");
            var message = JsonDocument.Parse(JsonDocument.Parse(body).RootElement.GetString()!).RootElement.GetProperty("message").GetString()!;
            AssertNamed(where, message, named);
        }

        var request = new GetOnlineFeaturesRequest { Features = new FeatureList { Val = { "weekly:count" } } };
        request.Entities["user_id"] = new Feast.Types.RepeatedValue { Val = { ServedBank.Text(User) } };
        using var client = new FeatureStoreClient(new FeatureStoreClientOptions { Target = bank.Server.GrpcAddress, Retry = RetryOptions.None });
        try
        {
            await client.GetOnlineFeaturesAsync(request, DateTime.UtcNow.AddSeconds(20), CancellationToken.None);
            Assert.True(named is null, $"{where}: gRPC answers");
        }
        catch (RpcException e)
        {
            Assert.True(e.StatusCode is StatusCode.DataLoss or StatusCode.Unavailable, $"{where}: gRPC {e.Status}");
            AssertNamed(where, e.Status.Detail, named);
        }
    }

    private static void AssertNamed(string where, string message, string? named)
    {
        Assert.True(message.Contains("weekly", StringComparison.Ordinal), $"{where}: {message}");
        Assert.True(named is null || message.Contains(named, StringComparison.Ordinal), $"{where}: {message}");
        Assert.DoesNotContain(User, message, StringComparison.Ordinal);
    }

    // SQLite keeps whole seconds; what is no Timestamp goes in as it is.
    private static Task SetAsync(SqliteConnection connection, byte[] value, byte[] time)
    {
        object stored = time;
        try
        {
            stored = ValueBytes.TimestampMicros(time) / 1_000_000;
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or OverflowException)
        {
        }

        return SetAsync(connection, "count", value, stored);
    }

    private static async Task SetAsync(SqliteConnection connection, object? feature, object? value, object? time)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = "DELETE FROM bank_weekly; INSERT INTO bank_weekly (entity_key, feature_name, value, event_ts) VALUES ($k, $f, $v, $t)";
        command.Parameters.AddWithValue("$k", Key);
        command.Parameters.AddWithValue("$f", feature ?? DBNull.Value);
        command.Parameters.AddWithValue("$v", value ?? DBNull.Value);
        command.Parameters.AddWithValue("$t", time ?? DBNull.Value);
        await command.ExecuteNonQueryAsync();
    }
}
