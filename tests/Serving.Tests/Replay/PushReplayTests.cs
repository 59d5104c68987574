using System.Text.Json;
using Feast.Core;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Values;
using Google.Protobuf.WellKnownTypes;
using StackExchange.Redis;
using Kind = Feast.Types.ValueType.Types.Enum;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Serving.Tests.Replay;

/// <summary>
/// Every recorded online push, write and read-back, sent again in order: answers, and each stored field byte for byte.
/// What only a Python function could write is put into the store as recorded, so that the reads after it count too.
/// </summary>
public sealed class PushReplayTests
{
    private const string Project = "bank_features";

    [SkippableFact]
    public async Task Send_EveryRecordedPush_AnswersAndStoresAlike()
    {
        var time = new FixedTime();
        await using var server = await RecordedBank.StartAsync(
            Project, "bank_features_after_materialize_registry.db", "bank_features_redis.json", "redis", ApplyAll, time: time);
        var refused = new List<string>();

        // One of the recorded reads is of an entity whose push is not among the cases.
        using var missing = new StringContent("""{"push_source_name":"clicks_push","df":{"user_id":["pc3"],"event_timestamp":["2026-11-05T00:00:00Z"],"clicks":[7]}}""");
        missing.Headers.ContentType = new("application/json");
        using var pushed = await server.Http.PostAsync(new Uri("/push", UriKind.Relative), missing);
        Assert.True(pushed.IsSuccessStatusCode);
        foreach (var recorded in RecordedBank.Golden("feast067_push_redis.json").GetProperty("cases").EnumerateArray())
        {
            var (name, exchange) = (recorded.GetProperty("name").GetString()!, recorded.GetProperty("exchange"));
            var hashes = recorded.TryGetProperty("redis", out var redis) ? redis.EnumerateArray().ToArray() : [];
            time.Now = OnDemandTime(hashes) ?? DateTimeOffset.UtcNow;
            var (status, body) = await RecordedExchange.SendAsync(server.Http, exchange);
            if (status == 409)
            {
                Assert.Contains("does not run", body, StringComparison.Ordinal);
                refused.Add(name);
                await PutAsync(server.Redis!, hashes);
                continue;
            }

            Assert.Null(RecordedExchange.Difference(exchange, status, body, isNewer: true) is { } difference ? $"{name}: {difference}" : null);
            await CompareAsync(server.Redis!, name, hashes);
        }

        Assert.All(refused, n => Assert.StartsWith("write on-demand view", n, StringComparison.Ordinal));
        Assert.DoesNotContain(refused, n => n.Contains("transform_on_write false", StringComparison.Ordinal));
    }

    private static async Task CompareAsync(IDatabase redis, string name, JsonElement[] hashes)
    {
        // Feast also stores the join key as if it were a feature of these views; nobody reads that.
        var joinKeys = new[] { "clicks", "od_py", "od_pd" }.Select(v => Convert.ToHexStringLower(FeatureHash.Field(v, "user_id"))).ToArray();
        foreach (var hash in hashes)
        {
            var stored = (await redis.HashGetAllAsync(Convert.FromHexString(hash.GetProperty("key_hex").GetString()!)))
                .ToDictionary(f => Convert.ToHexStringLower((byte[])f.Name!), f => Convert.ToHexStringLower((byte[])f.Value!));
            foreach (var field in hash.GetProperty("hash").EnumerateObject().Where(f => !joinKeys.Contains(f.Name)))
            {
                Assert.Equal((name, field.Name, field.Value.GetString()), (name, field.Name, stored.GetValueOrDefault(field.Name)));
            }
        }
    }

    private static async Task PutAsync(IDatabase redis, JsonElement[] hashes)
    {
        foreach (var hash in hashes)
        {
            await redis.HashSetAsync(
                Convert.FromHexString(hash.GetProperty("key_hex").GetString()!),
                [.. hash.GetProperty("hash").EnumerateObject().Select(f => new HashEntry(Convert.FromHexString(f.Name), Convert.FromHexString(f.Value.GetString()!)))]);
        }
    }

    // Rows of on-demand views are of now, so the clock stands where it stood in the recording.
    private static DateTimeOffset? OnDemandTime(JsonElement[] hashes)
    {
        var fields = new[] { "od_py", "od_pd" }.Select(v => Convert.ToHexStringLower(FeatureHash.TimestampField(v))).ToArray();
        var times = hashes.SelectMany(h => h.GetProperty("hash").EnumerateObject()).Where(f => fields.Contains(f.Name)).Select(f => Convert.FromHexString(f.Value.GetString()!)).ToArray();
        return times.Length == 0 ? null : DateTimeOffset.UnixEpoch.AddTicks(ValueBytes.TimestampMicros(times[0]) * TimeSpan.TicksPerMicrosecond);
    }

    // The recording's definitions beside the bank example.
    private static void ApplyAll(RegistryProto registry)
    {
        var clicks = new FeatureSpecV2 { Name = "clicks", ValueType = Kind.Int64 };
        var key = new FeatureSpecV2 { Name = "user_id", ValueType = Kind.String };
        var batch = new DataSource { Name = "clicks_src", Type = DataSource.Types.SourceType.BatchFile, TimestampField = "event_timestamp" };
        var push = new DataSource { Name = "clicks_push", Type = DataSource.Types.SourceType.PushSource, BatchSource = batch };
        registry.DataSources.Add([batch, push]);
        registry.StreamFeatureViews.Add(new StreamFeatureView
        {
            Spec = new StreamFeatureViewSpec
            {
                Name = "clicks",
                Project = Project,
                Entities = { "user" },
                EntityColumns = { key },
                Features = { key, clicks },
                Ttl = Duration.FromTimeSpan(TimeSpan.FromDays(1)),
                BatchSource = batch,
                StreamSource = push,
                Online = true,
            },
        });
        registry.FeatureViews.Add(new FeatureView
        {
            Spec = new FeatureViewSpec
            {
                Name = "clicks2",
                Project = Project,
                Entities = { "user" },
                EntityColumns = { key },
                Features = { clicks },
                Ttl = Duration.FromTimeSpan(TimeSpan.FromDays(1)),
                BatchSource = batch,
                StreamSource = push,
                Online = true,
            },
        });
        registry.OnDemandFeatureViews.Add([OnDemand("od_py", "python", "age_next", Kind.Int64), OnDemand("od_pd", "pandas", "doubled", Kind.Double)]);
    }

    private static OnDemandFeatureView OnDemand(string name, string mode, string output, Kind type) => new()
    {
        Spec = new OnDemandFeatureViewSpec
        {
            Name = name,
            Project = Project,
            Mode = mode,
            Features = { new FeatureSpecV2 { Name = output, ValueType = type } },
            Entities = { "user" },
            EntityColumns = { new FeatureSpecV2 { Name = "user_id", ValueType = Kind.String } },
            WriteToOnlineStore = true,
        },
    };
}
