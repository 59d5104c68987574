using System.Net;
using System.Text.Json;
using Feast.Serving;
using Feast.Types;
using FeatureStore.Contract.Values;
using FeatureStore.Registry.Expressions;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Retrieval;
using Grpc.Core;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Serving.Tests.Retrieval;

/// <summary>On-demand views of expressions, asked over both APIs.</summary>
public sealed class OnDemandTests : IAsyncDisposable
{
    private static readonly Dictionary<string, string> NoMap = [];

    private ServedBank? _bank;

    [Fact]
    public async Task Ask_RequestDataAmongEntities_MakesEachTypeAndHidesTheInputs()
    {
        await StartAsync();
        string[] features = ["pay:share", "pay:busy", "pay:label", "pay:weekday", "pay:narrow", "pay:later", "weekly:count"];
        var reply = await Bank.Grpc.GetOnlineFeaturesAsync(Request(features, inContext: false, "u1"), null, CancellationToken.None);
        Assert.Equal(["user_id", "count", "share", "busy", "label", "weekday", "narrow", "later"], reply.Metadata.FeatureNames.Val);
        Value[] expected =
        [
            ServedBank.Text("u1"), new() { Int64Val = 3 }, new() { DoubleVal = 2.5 }, new() { BoolVal = true }, ServedBank.Text("né!"), new() { Int64Val = 1 }, new() { FloatVal = 0.1f },
            new() { UnixTimestampVal = 1_793_491_260 },
        ];
        Assert.Equal(expected, reply.Results.Select(r => Assert.Single(r.Values)));
        Assert.All(reply.Results, r => Assert.Equal([FieldStatus.Present], r.Statuses));
        Assert.Equal(0, reply.Results[2].EventTimestamps[0].Seconds);
        Assert.NotEqual(0, reply.Results[1].EventTimestamps[0].Seconds);

        // What is answered anyway is not read a second time.
        Assert.Equal([1], Bank.Store.KeysPerRead);
        var http = await HttpAsync("{\"features\":" + JsonSerializer.Serialize(features) + ""","entities":{"user_id":["u1"],"amount":[10],"note":["né"]}}""");
        Assert.Equal("""["u1"] [3] [2.5] [true] ["né!"] [1] [0.10000000149011612] [1793491260]""", http);
    }

    [Fact]
    public async Task Ask_ServiceUnderAnAlias_AnswersInContextToo()
    {
        await StartAsync();
        var request = Request([], inContext: true, "u1", "u2");
        (request.FeatureService, request.FullFeatureNames) = ("with_pay", true);
        var reply = await Bank.Grpc.GetOnlineFeaturesAsync(request, null, CancellationToken.None);
        Assert.Equal(["user_id", "weekly__average", "now__share"], reply.Metadata.FeatureNames.Val);
        Assert.Equal([2.5, 20], reply.Results[2].Values.Select(v => v.DoubleVal));
        Assert.Equal(
            """["u1"] [4.0] [2.5]""",
            await HttpAsync("""{"feature_service":"with_pay","full_feature_names":true,"entities":{"user_id":["u1"]},"request_context":{"amount":[10],"note":[null],"ignored":[1,2]}}"""));
    }

    [Theory]
    [InlineData("u1", 10, "2.5 Present")]
    [InlineData("u1", null, " NullValue")]
    [InlineData("none", 10, " NullValue")]
    [InlineData("void", 10, " NullValue")]
    [InlineData("zero", 10, " NullValue")]
    public async Task Ask_InputThatIsNotPresent_CountsAsNull(string user, int? amount, string expected)
    {
        await StartAsync();
        Assert.Equal(expected, await ShareAsync(user, amount));
        Bank.Time.Now = ServedBank.EventTime + ServedBank.Ttl + TimeSpan.FromMilliseconds(1);
        Assert.Equal(" NullValue", await ShareAsync(user, amount));
    }

    [Fact]
    public async Task Ask_UnderFeastsPolicy_IsAlwaysPresent()
    {
        await StartAsync(StatusPolicy.FeastRedis);
        Assert.Equal(" Present", await ShareAsync("none", 10));
        Bank.Time.Now = ServedBank.EventTime + ServedBank.Ttl + TimeSpan.FromDays(1);
        Assert.Equal("2.5 Present", await ShareAsync("u1", 10));
    }

    [Fact]
    public async Task Ask_WithoutTheRequestsData_IsRefusedAsFeastDoes()
    {
        await StartAsync();
        var request = Request(["pay:busy"], inContext: false, "u1");
        request.Entities.Remove("amount");
        var e = await Assert.ThrowsAsync<RpcException>(() => Bank.Grpc.GetOnlineFeaturesAsync(request, null, CancellationToken.None));
        Assert.Equal((StatusCode.InvalidArgument, true), (e.StatusCode, e.Status.Detail.Contains("amount", StringComparison.Ordinal)));
        var (status, body) = await Bank.PostAsync("/get-online-features", """{"features":["pay:busy"],"entities":{"user_id":["u1"],"note":["a"]}}""");
        Assert.Equal((HttpStatusCode.NotFound, true), (status, body.Contains("RequestDataNotFoundInEntityRowsException", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("pay:share", "pay:share", "share more than once")]
    [InlineData("pay:share", "pay:shares", "pay:shares")]
    [InlineData("pay:share", "python:made", "does not run")]
    public async Task Ask_FaultyReferences_NamesThem(string one, string other, string message)
    {
        await StartAsync();
        var e = await Assert.ThrowsAsync<RpcException>(() => Bank.Grpc.GetOnlineFeaturesAsync(Request([one, other], inContext: false, "u1"), null, CancellationToken.None));
        Assert.Contains(message, e.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ask_ValueOfAnotherType_NamesTheFieldAndNoValue()
    {
        await StartAsync();
        var request = Request(["pay:share"], inContext: false, "u1");
        request.Entities["amount"] = new RepeatedValue { Val = { ServedBank.Text("secret") } };
        var sent = await Assert.ThrowsAsync<RpcException>(() => Bank.Grpc.GetOnlineFeaturesAsync(request, null, CancellationToken.None));
        Assert.Equal((StatusCode.InvalidArgument, true, false), (sent.StatusCode, sent.Status.Detail.Contains("'amount'", StringComparison.Ordinal), sent.Status.Detail.Contains("secret", StringComparison.Ordinal)));
        Bank.PutWeekly("odd", ValueBytes.Int64(3), ValueBytes.Text("secret"), ValueBytes.Null);
        var stored = await Assert.ThrowsAsync<RpcException>(() => Bank.Grpc.GetOnlineFeaturesAsync(Request(["pay:share"], inContext: false, "odd"), null, CancellationToken.None));
        Assert.Equal((StatusCode.DataLoss, true), (stored.StatusCode, stored.Status.Detail.Contains("w:average", StringComparison.Ordinal)));
    }

    public async ValueTask DisposeAsync()
    {
        if (_bank is not null)
        {
            await _bank.DisposeAsync();
        }
    }

    private ServedBank Bank => _bank!;

    private async Task StartAsync(StatusPolicy? policy = null)
    {
        _bank = await ServedBank.StartAsync(policy: policy, snapshot: Snapshot());
        _bank.PutWeekly("u1", ValueBytes.Int64(3), ValueBytes.Double(4), ValueBytes.UnixTimestamp(1_793_577_600));
        _bank.PutWeekly("u2", ValueBytes.Int64(1), ValueBytes.Double(0.5), ValueBytes.UnixTimestamp(1_793_577_600));
        _bank.PutWeekly("void", ValueBytes.Int64(1), ValueBytes.Null, ValueBytes.Null);
        _bank.PutWeekly("zero", ValueBytes.Int64(1), ValueBytes.Double(-0.0), ValueBytes.Null);
    }

    private static RegistrySnapshot Snapshot()
    {
        var bank = ServedBank.Snapshot();
        ExpressionInput[] inputs =
        [
            .. bank.FeatureViews["weekly"].Features.Select(f => new ExpressionInput("w", f)), new(null, new FieldModel("amount", Kind.Double)), new(null, new FieldModel("note", Kind.String)),
        ];
        ExpressionFeature Feature(string name, Kind kind, string text) => new(new FieldModel(name, kind), text, ExpressionText.Compile(text, kind, inputs));
        ExpressionFeature[] features =
        [
            Feature("share", Kind.Double, "amount / w__average"), Feature("busy", Kind.Bool, "count > 2"), Feature("label", Kind.String, "note || '!'"),
            Feature("weekday", Kind.Int64, "weekday(seen)"), Feature("narrow", Kind.Float, "amount / 100"), Feature("later", Kind.UnixTimestamp, "from_unix(unix_seconds(seen) - 86340)"),
        ];
        var weekly = new ProjectionModel("weekly", "w", ["count", "average", "seen"], NoMap);
        var pay = new OnDemandFeatureViewModel("pay", [.. features.Select(f => f.Field)], [], ["weekly"], null) { Expressions = new ExpressionViewModel([weekly], inputs, features) };
        var python = new OnDemandFeatureViewModel("python", [new FieldModel("made", Kind.Double)], [], ["weekly"], null) { Mode = "pandas" };
        var service = new FeatureServiceModel("with_pay", [new ProjectionModel("pay", "now", ["share"], NoMap), new ProjectionModel("weekly", "weekly", ["average"], NoMap)]);
        return bank with
        {
            OnDemandFeatureViews = new Dictionary<string, OnDemandFeatureViewModel> { ["pay"] = pay, ["python"] = python },
            FeatureServices = new Dictionary<string, FeatureServiceModel> { ["with_pay"] = service },
        };
    }

    private static GetOnlineFeaturesRequest Request(string[] features, bool inContext, params string[] users)
    {
        var request = new GetOnlineFeaturesRequest { Features = new FeatureList { Val = { features } } };
        request.Entities["user_id"] = new RepeatedValue { Val = { users.Select(ServedBank.Text) } };
        var data = inContext ? request.RequestContext : request.Entities;
        data["amount"] = new RepeatedValue { Val = { users.Select(_ => new Value { DoubleVal = 10 }) } };
        data["note"] = new RepeatedValue { Val = { users.Select(_ => ServedBank.Text("né")) } };
        return request;
    }

    private async Task<string> ShareAsync(string user, int? amount)
    {
        var request = Request(["pay:share"], inContext: false, user);
        request.Entities["amount"].Val[0] = amount is { } real ? new Value { Int64Val = real } : new Value();
        var column = (await Bank.Grpc.GetOnlineFeaturesAsync(request, null, CancellationToken.None)).Results[1];
        return $"{(column.Values[0].ValCase == Value.ValOneofCase.None ? string.Empty : column.Values[0].DoubleVal)} {column.Statuses[0]}";
    }

    private async Task<string> HttpAsync(string body)
    {
        var (status, answer) = await Bank.PostAsync("/get-online-features", body);
        Assert.True(status == HttpStatusCode.OK, answer);
        using var json = JsonDocument.Parse(answer);
        return string.Join(' ', json.RootElement.GetProperty("results").EnumerateArray().Select(r => r.GetProperty("values").GetRawText()));
    }
}
