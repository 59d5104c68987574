using System.Text;
using System.Text.Json;
using Feast.GrpcServer;
using Feast.Serving;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Retrieval;
using FeatureStore.Serving.Writing;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using StackExchange.Redis;

namespace FeatureStore.Serving.Tests.Replay;

/// <summary>Services with <c>precompute_online</c>, over the vectors that Feast stored: every recorded request sent again, in order.</summary>
public sealed class PrecomputeReplayTests
{
    private const string Project = PrecomputeDefinitions.Project;

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
                server.Apply(PrecomputeDefinitions.AddFeature);
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

    [SkippableFact]
    public async Task Write_RowsOfItsViews_StoresTheVectorsThatFeastStores()
    {
        await using var server = await StartAsync("redis", StatusPolicy.FeastRedis);
        var materialized = Cases().Single(c => Name(c) == "materialize");
        var snapshot = server.Snapshot;
        await using var store = new VectorStore(server.Store, () => snapshot, Clock);
        foreach (var view in snapshot.FeatureViews.Values.Where(v => v.Name is "a" or "b"))
        {
            await store.WriteAsync(new OnlineTable(Project, view.Name, [.. view.Features.Select(f => f.Name)]), [.. Rows(materialized, view)], OnlineWriteRule.NewerOrEqualWins, CancellationToken.None);
        }

        foreach (var vector in Items(materialized, "vectors"))
        {
            var (expected, actual) = (Vector(Hex(vector, "value_hex")), Vector((await server.Redis!.HashGetAsync(Hex(vector, "key_hex"), Hex(vector, "field_hex")))!));
            Assert.Equal(Clock.Now, actual.PrecomputedAt.ToDateTimeOffset());
            actual.PrecomputedAt = expected.PrecomputedAt;
            Assert.Equal(Convert.ToHexStringLower(expected.ToByteArray()), Convert.ToHexStringLower(actual.ToByteArray()));
        }
    }

    [SkippableFact]
    public async Task Push_OverGrpc_RenewsTheVectors()
    {
        await using var server = await StartAsync("redis", StatusPolicy.FeastRedis);
        await StoreAsync(server.Redis!, Cases().Single(c => Name(c) == "materialize"));
        using var channel = GrpcChannel.ForAddress(server.Server.GrpcAddress);
        var request = new PushRequest { StreamFeatureView = "pa", To = "online" };
        request.TypedFeatures["uid"] = ServedBank.Text("u1");
        request.TypedFeatures["ts"] = ServedBank.Text("2026-11-22T22:41:50Z");
        request.TypedFeatures["x"] = new Feast.Types.Value { Int64Val = 31 };
        request.TypedFeatures["y"] = new Feast.Types.Value();
        var push = new Method<PushRequest, PushResponse>(
            MethodType.Unary, "GrpcFeatureServer", "Push", Marshallers.Create(m => m.ToByteArray(), PushRequest.Parser.ParseFrom), Marshallers.Create(m => m.ToByteArray(), PushResponse.Parser.ParseFrom));
        await channel.CreateCallInvoker().AsyncUnaryCall(push, null, default, request);
        var vector = Items(Cases().Single(c => Name(c) == "materialize"), "vectors").First(v => v.GetProperty("service").GetString() == "svc");
        var stored = Vector((await server.Redis!.HashGetAsync(Hex(vector, "key_hex"), Hex(vector, "field_hex")))!);
        Assert.Equal([31L, 0L, 0L], stored.Values.Select(v => v.Int64Val));
        Assert.Equal("p", stored.Values[2].StringVal);
    }

    private static PrecomputedFeatureVector Vector(byte[] stored) => PrecomputedFeatureVector.Parser.ParseFrom(Feast.Types.Value.Parser.ParseFrom(stored).BytesVal);

    private static IEnumerable<EncodedRow> Rows(JsonElement materialized, FeatureViewModel view)
    {
        foreach (var hash in Items(materialized, "redis"))
        {
            var fields = hash.GetProperty("hash").EnumerateObject().ToDictionary(f => f.Name, f => Convert.FromHexString(f.Value.GetString()!));
            if (fields.TryGetValue(Convert.ToHexStringLower(FeatureHash.TimestampField(view.Name)), out var time))
            {
                yield return new EncodedRow(
                    Hex(hash, "key_hex")[..^Project.Length],
                    ValueBytes.TimestampMicros(time),
                    null,
                    [.. view.Features.Select(f => fields[Convert.ToHexStringLower(FeatureHash.Field(view.Name, f.Name))])]);
            }
        }
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
        RecordedBank.StartAsync(Project, "bank_features_after_materialize_registry.db", "bank_features_redis.json", store, PrecomputeDefinitions.ApplyAll, policy, Clock);
}
