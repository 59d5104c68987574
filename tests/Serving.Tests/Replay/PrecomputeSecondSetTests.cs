using System.Globalization;
using System.Text.Json;
using Feast.GrpcServer;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.OnlineStore;
using FeatureStore.Serving.Retrieval;
using FeatureStore.Serving.Writing;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace FeatureStore.Serving.Tests.Replay;

/// <summary>The recorded reads of a service whose vectors this server made itself: a row that one view lacks, and a push over gRPC.</summary>
public sealed class PrecomputeSecondSetTests
{
    [SkippableFact]
    public async Task Send_RecordedRequests_AreAnsweredFromVectorsOfOurOwn()
    {
        var cases = RecordedBank.Golden("feast067_precompute_second_set.json").GetProperty("cases").EnumerateArray().ToDictionary(c => c.GetProperty("name").GetString()!);
        var lacking = cases["entity without a row in the ttl view"].GetProperty("exchange");
        var clock = new FixedTime { Now = MadeAt(lacking) };
        await using var server = await RecordedBank.StartAsync(
            PrecomputeDefinitions.Project, "bank_features_after_materialize_registry.db", "bank_features_redis.json", "redis", PrecomputeDefinitions.ApplySecondSet, StatusPolicy.FeastRedis, clock);
        var snapshot = server.Snapshot;
        await using var store = new VectorStore(server.Store, () => snapshot, clock);
        var micros = (clock.Now - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        await store.WriteAsync(Table("a", "x"), [Row("u1", micros, new Feast.Types.Value { Int64Val = 1 })], OnlineWriteRule.NewerOrEqualWins, CancellationToken.None);
        await store.WriteAsync(Table("b", "z"), [Row("u1", micros, ServedBank.Text("p")), Row("u2", micros, ServedBank.Text("q"))], OnlineWriteRule.NewerOrEqualWins, CancellationToken.None);
        await SameAsync(server, lacking);

        var pushed = cases["after gRPC push"].GetProperty("exchange");
        clock.Now = MadeAt(pushed);
        using var channel = GrpcChannel.ForAddress(server.Server.GrpcAddress);
        var push = new PushRequest { StreamFeatureView = "pa", To = "online" };
        push.Features["ts"] = clock.Now.ToString("O", CultureInfo.InvariantCulture);
        push.Features["uid"] = "u1";
        push.Features["x"] = "31";
        await CallAsync(channel, "Push", push.ToByteArray());
        await SameAsync(server, pushed);

        // Feast's gRPC server calls it UNKNOWN, as it does most mistakes.
        var shortNames = cases["gRPC read full_feature_names=False"];
        Assert.Equal("UNKNOWN", shortNames.GetProperty("status").GetString());
        var refused = await Assert.ThrowsAsync<RpcException>(() => CallAsync(channel, "GetOnlineFeatures", Convert.FromHexString(shortNames.GetProperty("request_hex").GetString()!)));
        Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
        Assert.Contains("'svc' has precompute_online", refused.Status.Detail, StringComparison.Ordinal);
    }

    // What an answer shows as the features' time is when their vector was made.
    private static DateTimeOffset MadeAt(JsonElement exchange) => DateTimeOffset.Parse(
        JsonDocument.Parse(exchange.GetProperty("response_body").GetString()!).RootElement.GetProperty("results")[1].GetProperty("event_timestamps")[0].GetString()!, CultureInfo.InvariantCulture);

    private static async Task SameAsync(RecordedBank server, JsonElement exchange)
    {
        var (status, body) = await RecordedExchange.SendAsync(server.Http, exchange);
        Assert.Null(RecordedExchange.Difference(exchange, status, body, isNewer: true));
    }

    private static async Task<byte[]> CallAsync(GrpcChannel channel, string method, byte[] request)
    {
        var raw = Marshallers.Create<byte[]>(b => b, b => b);
        return await channel.CreateCallInvoker().AsyncUnaryCall(new Method<byte[], byte[]>(MethodType.Unary, "GrpcFeatureServer", method, raw, raw), null, default, request);
    }

    private static OnlineTable Table(string view, string feature) => new(PrecomputeDefinitions.Project, view, [feature]);

    private static EncodedRow Row(string user, long micros, Feast.Types.Value value) => new(EntityKeyEncoder.Encode([("uid", ServedBank.Text(user))], 3), micros, null, [value.ToByteArray()]);
}
