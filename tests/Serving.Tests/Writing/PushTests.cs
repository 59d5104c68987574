using System.Net;
using Feast.GrpcServer;
using Feast.Types;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Writing;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace FeatureStore.Serving.Tests.Writing;

public sealed class PushTests : IAsyncLifetime
{
    private readonly KeptPushes _offline = new();
    private ServedBank _bank = null!;

    public async Task InitializeAsync() => _bank = await ServedBank.StartAsync(ports: new ServingPorts(_offline));

    public async Task DisposeAsync() => await _bank.DisposeAsync();

    [Theory]
    [InlineData("/push", "\"push_source_name\":\"weekly_push\"", "")]
    [InlineData("/write-to-online-store", "\"feature_view_name\":\"weekly\"", "null")]
    public async Task Write_Rows_AreServedAndUnderTheClientsTimeNamesToo(string path, string target, string answer)
    {
        var body = "{" + target + """
            ,"df":{"user_id":["p1","p2"],"event_timestamp":["2026-11-23T10:00:00+05:30","2026-11-23 00:00:00.123456"],"created":["NaT",null],
            "count":[5,2.7],"average":[2.5,null],"seen":[1793491200,null],"extra":[1,2]}}
            """;
        Assert.Equal((HttpStatusCode.OK, answer), await _bank.PostAsync(path, body));
        Assert.Equal(["5 PRESENT", "2 PRESENT"], (await _bank.AskBothAsync("weekly:count", "p1", "p2")).Grpc);
        Assert.Equal(["1793491200 PRESENT", "null NULL_VALUE"], (await _bank.AskBothAsync("weekly:seen", "p1", "p2")).Http);
        Assert.Equal([1_795_408_200_000_000, 1_795_392_000_123_456], _bank.Store.Rows.Values.Select(r => r.EventTimeMicros));
        Assert.Equal(_bank.Store.Rows.Keys.ToHashSet(), _bank.Store.Recorded);
        Assert.False(_bank.Store.RecordedLate);
    }

    [Theory]
    [InlineData(422, "nope", """{"push_source_name":"nope","df":{"user_id":["x"]}}""")]
    [InlineData(400, "sideways", """{"push_source_name":"weekly_push","to":"sideways","df":{"user_id":["x"]}}""")]
    [InlineData(400, "average, seen", """{"push_source_name":"weekly_push","df":{"user_id":["x"],"event_timestamp":["2026-11-23"],"count":[1]}}""")]
    [InlineData(400, "user_id", """{"push_source_name":"weekly_push","df":{"event_timestamp":["2026-11-23"],"count":[1],"average":[1],"seen":[1]}}""")]
    [InlineData(400, "event_timestamp", """{"push_source_name":"weekly_push","df":{"user_id":["x"],"count":[1],"average":[1],"seen":[1]}}""")]
    [InlineData(400, "no time", """{"push_source_name":"weekly_push","df":{"user_id":["x"],"event_timestamp":[7],"count":[1],"average":[1],"seen":[1]}}""")]
    [InlineData(400, "never null", """{"push_source_name":"weekly_push","df":{"user_id":[null],"event_timestamp":["2026-11-23"],"count":[1],"average":[1],"seen":[1]}}""")]
    [InlineData(400, "average", """{"push_source_name":"weekly_push","df":{"user_id":["x"],"event_timestamp":["2026-11-23"],"count":[1],"average":["1.5"],"seen":[1]}}""")]
    [InlineData(400, "one length", """{"push_source_name":"weekly_push","df":{"user_id":["x","y"],"event_timestamp":["2026-11-23"],"count":[1],"average":[1],"seen":[1]}}""")]
    public async Task Push_RowsThatDoNotFit_AreRefusedByName(int status, string named, string body)
    {
        var answer = await _bank.PostAsync("/push", body);
        Assert.Equal(status, (int)answer.Status);
        Assert.Contains(named, answer.Body, StringComparison.Ordinal);
        Assert.Empty(_bank.Store.Rows);
    }

    [Fact]
    public async Task Push_Offline_GoesToThePortAlone()
    {
        const string Rest = ""","push_source_name":"weekly_push","df":{"user_id":["x"],"event_timestamp":["2026-11-23T00:00:00Z"],"count":[1],"average":[1],"seen":[1]}}""";
        Assert.Equal(HttpStatusCode.OK, (await _bank.PostAsync("/push", """{"to":"offline" """ + Rest)).Status);
        Assert.Equal(["weekly_push"], _offline.Sources);
        Assert.Empty(_bank.Store.Rows);
        Assert.Equal(HttpStatusCode.OK, (await _bank.PostAsync("/push", """{"to":"online_and_offline" """ + Rest)).Status);
        Assert.Equal(2, _offline.Sources.Count);
        Assert.Single(_bank.Store.Rows);

        await using var without = await ServedBank.StartAsync();
        Assert.Equal(HttpStatusCode.NotImplemented, (await without.PostAsync("/push", """{"to":"online_and_offline" """ + Rest)).Status);
        Assert.Empty(without.Store.Rows);
    }

    [Fact]
    public async Task Push_EntityLessView_IsServedAfterwards()
    {
        await _bank.PostAsync("/write-to-online-store", """{"feature_view_name":"rates","df":{"event_timestamp":["2026-11-23T00:00:00Z"],"rate":[5.5]}}""");
        var (_, body) = await _bank.PostAsync("/get-online-features", """{"features":["rates:rate"],"entities":{"__dummy_id":[""]}}""");
        Assert.Contains("\"values\":[5.5],\"statuses\":[\"PRESENT\"]", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Push_TypedOverGrpc_TakesValuesAsTheyAre()
    {
        using var channel = GrpcChannel.ForAddress(_bank.Server.GrpcAddress);
        var invoker = channel.CreateCallInvoker();
        var request = new PushRequest { StreamFeatureView = "weekly_push", To = "online" };
        request.TypedFeatures["user_id"] = ServedBank.Text("g1");
        request.TypedFeatures["event_timestamp"] = new Value { UnixTimestampVal = 1_795_392_000 };
        request.TypedFeatures["count"] = new Value { Int32Val = 9 };
        request.TypedFeatures["average"] = new Value();
        request.TypedFeatures["seen"] = new Value { UnixTimestampVal = 5 };
        Assert.True((await CallAsync(invoker, request)).Status);
        Assert.Equal(["9 PRESENT"], (await _bank.AskBothAsync("weekly:count", "g1")).Grpc);
        Assert.Equal(1_795_392_000_000_000, _bank.Store.Rows.Values.Single().EventTimeMicros);
        Assert.Equal(_bank.Store.Rows.Keys.ToHashSet(), _bank.Store.Recorded);
        Assert.False(_bank.Store.RecordedLate);

        request.Features["user_id"] = "both";
        Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => CallAsync(invoker, request))).StatusCode);
    }

    [Fact]
    public async Task Materialize_WithoutAPort_SaysSo() =>
        Assert.Equal(
            HttpStatusCode.NotImplemented,
            (await _bank.PostAsync("/materialize", """{"start_ts":"2026-11-01T00:00:00","end_ts":"2026-11-02T00:00:00"}""")).Status);

    private static async Task<PushResponse> CallAsync(CallInvoker invoker, PushRequest request) => await invoker.AsyncUnaryCall(
        new Method<PushRequest, PushResponse>(
            MethodType.Unary,
            "GrpcFeatureServer",
            "Push",
            Marshallers.Create(m => m.ToByteArray(), PushRequest.Parser.ParseFrom),
            Marshallers.Create(m => m.ToByteArray(), PushResponse.Parser.ParseFrom)),
        null,
        default,
        request);

    private sealed class KeptPushes : IOfflinePush
    {
        public List<string> Sources { get; } = [];

        public Task AppendAsync(string pushSource, IReadOnlyList<FeatureViewModel> views, PushedColumns columns, CancellationToken cancellationToken)
        {
            Sources.Add(pushSource);
            return Task.CompletedTask;
        }
    }
}
