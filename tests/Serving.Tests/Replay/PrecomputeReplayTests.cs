using System.Text;
using System.Text.Json;
using Feast.Core;
using FeatureStore.Serving.Retrieval;
using Google.Protobuf.WellKnownTypes;
using StackExchange.Redis;
using Kind = Feast.Types.ValueType.Types.Enum;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Serving.Tests.Replay;

/// <summary>Services with <c>precompute_online</c>, over the vectors that Feast stored: every recorded request sent again, in order.</summary>
public sealed class PrecomputeReplayTests
{
    private const string Project = "prj";

    // Rows are of 30 minutes, two hours and ten minutes before the recording, whose view has a ttl of one hour.
    private static readonly FixedTime Clock = new() { Now = new DateTimeOffset(2026, 11, 22, 22, 41, 55, TimeSpan.Zero) };

    [SkippableFact]
    public async Task Send_EveryRecordedRequest_IsAnsweredFromTheVectors()
    {
        await using var server = await StartAsync("redis", StatusPolicy.FeastRedis);
        var compared = 0;
        foreach (var recorded in Cases().Where(c => !Name(c).StartsWith("sqlite", StringComparison.Ordinal)))
        {
            if (Name(recorded) == "feature added to view a, apply")
            {
                server.Apply(AddFeature);
            }

            if (recorded.TryGetProperty("exchange", out var exchange))
            {
                await CompareAsync(server, Name(recorded), exchange);
                compared++;
            }

            await StoreAsync(server.Redis!, recorded);
        }

        Assert.True(compared >= 35, $"only {compared} requests were compared");
    }

    [Fact]
    public async Task Send_RequestsOverSqlite_HaveNoVectors()
    {
        await using var server = await StartAsync("sqlite", StatusPolicy.FeastSqlite);
        var refused = 0;
        foreach (var recorded in Cases().Where(c => Name(c).StartsWith("sqlite", StringComparison.Ordinal)))
        {
            var exchange = recorded.GetProperty("exchange");
            if (exchange.GetProperty("status").GetInt32() == 500)
            {
                await CompareAsync(server, Name(recorded), exchange);
                refused++;
            }
        }

        Assert.True(refused >= 5, $"only {refused} requests were compared");
    }

    [SkippableFact]
    public async Task Send_UnderStrict_TheViewsAnswerTheTruth()
    {
        await using var server = await StartAsync("redis", StatusPolicy.Strict);
        await StoreAsync(server.Redis!, Cases().Single(c => Name(c) == "materialize"));
        foreach (var full in new[] { "true", "false" })
        {
            using var content = new StringContent("{\"feature_service\":\"svc\",\"entities\":{\"uid\":[\"u1\",\"u2\",\"nobody\"]},\"full_feature_names\":" + full + "}");
            content.Headers.ContentType = new("application/json");
            using var answer = await server.Http.PostAsync(new Uri("/get-online-features", UriKind.Relative), content);
            var x = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("results")[1];
            Assert.Equal(
                """{"values":[1,2,null],"statuses":["PRESENT","OUTSIDE_MAX_AGE","NOT_FOUND"],"event_timestamps":["2026-11-22T22:11:12Z","2026-11-22T20:41:12Z","1970-01-01T00:00:00Z"]}""",
                x.GetRawText());
        }
    }

    [SkippableTheory]
    [InlineData("6201")]
    [InlineData("0a0312ff01")]
    [InlineData("0a050a03612178")]
    public async Task Send_DamagedVector_IsNamedAndHarmless(string stored)
    {
        await using var server = await StartAsync("redis", StatusPolicy.FeastRedis);
        var materialized = Cases().Single(c => Name(c) == "materialize");
        await StoreAsync(server.Redis!, materialized);
        var vector = materialized.GetProperty("vectors")[0];
        await server.Redis!.HashSetAsync(Hex(vector, "key_hex"), Hex(vector, "field_hex"), Convert.FromHexString(stored));
        using var content = new StringContent("""{"feature_service":"svc","entities":{"uid":["u1"]},"full_feature_names":true}""");
        content.Headers.ContentType = new("application/json");
        using var answer = await server.Http.PostAsync(new Uri("/get-online-features", UriKind.Relative), content);
        Assert.InRange((int)answer.StatusCode, 500, 503);
        Assert.DoesNotContain("its log says why", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static async Task CompareAsync(RecordedBank server, string name, JsonElement exchange)
    {
        var (status, body) = await RecordedExchange.SendAsync(server.Http, exchange);
        if (exchange.GetProperty("status").GetInt32() == 500)
        {
            var asked = JsonDocument.Parse(exchange.GetProperty("request_body").GetString()!).RootElement.GetProperty("feature_service").GetString();
            Assert.Equal((name, 500), (name, status));
            Assert.Contains($"'{asked}' has precompute_online", body, StringComparison.Ordinal);
            return;
        }

        Assert.Null(RecordedExchange.Difference(exchange, status, body, isNewer: true) is { } difference ? $"{name}: {difference}" : null);
    }

    // What Feast had stored after the step; our own writes of that step are among it.
    private static async Task StoreAsync(IDatabase redis, JsonElement recorded)
    {
        foreach (var hash in Items(recorded, "redis"))
        {
            await redis.HashSetAsync(
                Hex(hash, "key_hex"), [.. hash.GetProperty("hash").EnumerateObject().Select(f => new HashEntry(Convert.FromHexString(f.Name), Convert.FromHexString(f.Value.GetString()!)))]);
        }

        foreach (var vector in Items(recorded, "vectors"))
        {
            await redis.HashSetAsync(
                Hex(vector, "key_hex"),
                [new(Hex(vector, "field_hex"), Hex(vector, "value_hex")), new(Encoding.UTF8.GetBytes(vector.GetProperty("ts_field").GetString()!), Hex(vector, "ts_value_hex"))]);
        }
    }

    private static IEnumerable<JsonElement> Items(JsonElement recorded, string name) => recorded.TryGetProperty(name, out var items) ? items.EnumerateArray() : [];

    private static byte[] Hex(JsonElement element, string name) => Convert.FromHexString(element.GetProperty(name).GetString()!);

    private static IEnumerable<JsonElement> Cases() => RecordedBank.Golden("feast067_precompute.json").GetProperty("cases").EnumerateArray();

    private static string Name(JsonElement recorded) => recorded.GetProperty("name").GetString()!;

    private static Task<RecordedBank> StartAsync(string store, StatusPolicy policy) =>
        RecordedBank.StartAsync(Project, "bank_features_after_materialize_registry.db", "bank_features_redis.json", store, ApplyAll, policy, Clock);

    // The recording's definitions.
    private static void ApplyAll(RegistryProto registry)
    {
        registry.Entities.Add(new Entity { Spec = new EntitySpecV2 { Name = "u", Project = Project, JoinKey = "uid", ValueType = Kind.String } });
        var a = View("a", TimeSpan.FromHours(1), ("x", Kind.Int64), ("y", Kind.Double));
        a.Spec.StreamSource = new DataSource { Name = "pa", Type = DataSource.Types.SourceType.PushSource, BatchSource = a.Spec.BatchSource };
        registry.FeatureViews.Add([a, View("b", TimeSpan.Zero, ("z", Kind.String))]);
        registry.FeatureServices.Add([
            Service("svc", true, ("a", "", ["x", "y"]), ("b", "", ["z"])),
            Service("svc_sub", true, ("b", "", ["z"]), ("a", "", ["y"])),
            Service("svc_alias", true, ("a", "aa", ["x", "y"])),
            Service("svc_plain", false, ("a", "", ["x", "y"]), ("b", "", ["z"]))]);
    }

    private static void AddFeature(RegistryProto registry)
    {
        var w = new FeatureSpecV2 { Name = "w", ValueType = Kind.Int64 };
        registry.FeatureViews.Single(v => v.Spec.Name == "a").Spec.Features.Add(w);
        foreach (var projection in registry.FeatureServices.Where(s => s.Spec.Project == Project && s.Spec.Name != "svc_sub")
                     .SelectMany(s => s.Spec.Features).Where(p => p.FeatureViewName == "a"))
        {
            projection.FeatureColumns.Add(w);
        }
    }

    private static FeatureView View(string name, TimeSpan ttl, params (string Name, Kind Type)[] features) => new()
    {
        Spec = new FeatureViewSpec
        {
            Name = name,
            Project = Project,
            Entities = { "u" },
            EntityColumns = { new FeatureSpecV2 { Name = "uid", ValueType = Kind.String } },
            Features = { features.Select(f => new FeatureSpecV2 { Name = f.Name, ValueType = f.Type }) },
            Ttl = Duration.FromTimeSpan(ttl),
            BatchSource = new DataSource { Name = "s" + name, Type = DataSource.Types.SourceType.BatchFile, TimestampField = "ts" },
            Online = true,
        },
    };

    private static FeatureService Service(string name, bool precompute, params (string View, string Alias, string[] Features)[] projections) => new()
    {
        Spec = new FeatureServiceSpec
        {
            Name = name,
            Project = Project,
            PrecomputeOnline = precompute,
            Features =
            {
                projections.Select(p => new FeatureViewProjection
                {
                    FeatureViewName = p.View,
                    FeatureViewNameAlias = p.Alias,
                    FeatureColumns = { p.Features.Select(f => new FeatureSpecV2 { Name = f }) },
                }),
            },
        },
    };
}
