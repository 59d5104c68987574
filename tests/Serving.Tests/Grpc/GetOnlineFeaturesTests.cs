using System.Net;
using Feast.Serving;
using Feast.Types;
using FeatureStore.Client;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Retrieval;
using Grpc.Core;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Serving.Tests.Grpc;

public sealed class GetOnlineFeaturesTests : IAsyncLifetime
{
    private static readonly DateTimeOffset EventTime = new(2026, 11, 23, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Ttl = TimeSpan.FromDays(14);

    private readonly FixedStore _store = new();
    private readonly FixedTime _time = new() { Now = EventTime.AddDays(1) };
    private FeatureServer _server = null!;
    private FeatureStoreClient _client = null!;

    public async Task InitializeAsync()
    {
        var weekly = new FeatureViewModel(
            "weekly",
            [new FieldModel("user_id", Kind.String)],
            [new FieldModel("count", Kind.Int64), new FieldModel("average", Kind.Double)],
            Ttl,
            true,
            new SourceModel("weekly_source", "features/weekly", "event_timestamp", "created_timestamp", new Dictionary<string, string>()),
            null);
        var people = weekly with { Name = "people", Features = [new FieldModel("age", Kind.Int64), new FieldModel("count", Kind.Int64)] };
        var service = new FeatureServiceModel(
            "fraud_v1", [new ProjectionModel("weekly", "weekly", ["count", "average"], new Dictionary<string, string>())]);
        var snapshot = new RegistrySnapshot(
            "bank",
            3,
            new Dictionary<string, FeatureViewModel> { ["weekly"] = weekly, ["people"] = people },
            new Dictionary<string, FeatureServiceModel> { ["fraud_v1"] = service });
        Put("weekly", "u1", ValueBytes.Int64(3), ValueBytes.Null);
        var runtime = new ServingRuntime(snapshot, _store, _time, new RetrievalLimits(EntityRowsMax: 5, FeaturesMax: 3));
        _server = await FeatureServer.StartAsync(runtime, new FeatureServerOptions(IPAddress.Loopback, 0), CancellationToken.None);
        _client = new FeatureStoreClient(_server.GrpcAddress);
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Ask_ByService_GivesEntitiesThenFeaturesWithTruthfulStatuses()
    {
        var reply = await AskAsync(Service("fraud_v1", "u1", "nobody"));
        Assert.Equal(["user_id", "count", "average"], reply.Metadata.FeatureNames.Val);
        Assert.Equal(["u1", "nobody"], reply.Results[0].Values.Select(v => v.StringVal));
        Assert.Equal([FieldStatus.Present, FieldStatus.Present], reply.Results[0].Statuses);
        Assert.Equal([FieldStatus.Present, FieldStatus.NotFound], reply.Results[1].Statuses);
        Assert.Equal([FieldStatus.NullValue, FieldStatus.NotFound], reply.Results[2].Statuses);
        Assert.Equal(3, reply.Results[1].Values[0].Int64Val);
        Assert.Equal(Value.ValOneofCase.None, reply.Results[1].Values[1].ValCase);
        Assert.Equal(EventTime, reply.Results[1].EventTimestamps[0].ToDateTimeOffset());
        Assert.Equal(0, reply.Results[1].EventTimestamps[1].Seconds);
    }

    [Theory]
    [InlineData(0, FieldStatus.Present)]
    [InlineData(1, FieldStatus.OutsideMaxAge)]
    [InlineData(-1, FieldStatus.Present)]
    public async Task Ask_AtTheTtlEdge_IsExactToTheMillisecond(int millis, FieldStatus expected)
    {
        _time.Now = EventTime + Ttl + TimeSpan.FromMilliseconds(millis);
        var reply = await AskAsync(Service("fraud_v1", "u1"));
        Assert.Equal(expected, reply.Results[1].Statuses[0]);
        Assert.Equal(3, reply.Results[1].Values[0].Int64Val);
    }

    [Fact]
    public async Task Ask_SameEntityTwice_ReadsItOnceAndAnswersEachRow()
    {
        var reply = await AskAsync(Service("fraud_v1", "u1", "u2", "u1"));
        Assert.Equal([2], _store.KeysPerRead);
        Assert.Equal([3, 0, 3], reply.Results[1].Values.Select(v => v.Int64Val));
    }

    [Fact]
    public async Task Ask_SeveralViewsOfAnEntity_IsOneStoreRead()
    {
        Put("people", "u1", ValueBytes.Int64(41), ValueBytes.Null);
        var reply = await AskAsync(References(["people:age", "weekly:count"], "u1"));
        Assert.Equal([1], _store.KeysPerRead);
        Assert.Equal(["user_id", "age", "count"], reply.Metadata.FeatureNames.Val);
        Assert.Equal(41, reply.Results[1].Values[0].Int64Val);
    }

    [Fact]
    public async Task Ask_FullFeatureNames_PrefixesTheView()
    {
        var request = References(["people:count", "weekly:count"], "u1");
        request.FullFeatureNames = true;
        Assert.Equal(["user_id", "people__count", "weekly__count"], (await AskAsync(request)).Metadata.FeatureNames.Val);
    }

    [Fact]
    public Task Ask_OneNameFromTwoViews_IsRefused() =>
        RefusedAsync(References(["people:count", "weekly:count"], "u1"), StatusCode.InvalidArgument, "full_feature_names");

    [Fact]
    public Task Ask_UnknownService_NamesThoseThereAre() => RefusedAsync(Service("other", "u1"), StatusCode.NotFound, "fraud_v1");

    [Fact]
    public Task Ask_UnknownFeatures_ListsAllOfThem() =>
        RefusedAsync(References(["weekly:nope", "nowhere:x"], "u1"), StatusCode.NotFound, "weekly:nope, nowhere:x");

    [Fact]
    public Task Ask_MalformedReference_SaysTheRightForm() => RefusedAsync(References(["weekly"], "u1"), StatusCode.InvalidArgument, "view:feature");

    [Fact]
    public Task Ask_NoFeatures_IsRefused() => RefusedAsync(References([], "u1"), StatusCode.InvalidArgument, "feature service");

    [Fact]
    public Task Ask_TooManyRows_NamesTheLimit() =>
        RefusedAsync(Service("fraud_v1", "1", "2", "3", "4", "5", "6"), StatusCode.ResourceExhausted, "limit of 5");

    [Fact]
    public Task Ask_TooManyFeatures_NamesTheLimit() =>
        RefusedAsync(References(["weekly:count", "weekly:average", "people:age", "people:count"], "u1"), StatusCode.ResourceExhausted, "limit of 3");

    [Fact]
    public async Task Ask_WrongEntities_AreRefused()
    {
        var missing = Service("fraud_v1", "u1");
        missing.Entities.Clear();
        await RefusedAsync(missing, StatusCode.InvalidArgument, "no entities");
        missing.Entities["account"] = new RepeatedValue { Val = { new Value { StringVal = "a" } } };
        await RefusedAsync(missing, StatusCode.InvalidArgument, "user_id");
        var uneven = Service("fraud_v1", "u1");
        uneven.Entities["other"] = new RepeatedValue();
        await RefusedAsync(uneven, StatusCode.InvalidArgument, "number of values");
        var nothing = Service("fraud_v1");
        nothing.Entities["user_id"].Val.Add(new Value());
        await RefusedAsync(nothing, StatusCode.InvalidArgument, "never null");
    }

    [Fact]
    public async Task Start_PortTaken_NamesItAndTheOption()
    {
        var runtime = new ServingRuntime(
            new RegistrySnapshot("p", 3, new Dictionary<string, FeatureViewModel>(), new Dictionary<string, FeatureServiceModel>()),
            _store,
            _time,
            new RetrievalLimits());
        var error = await Assert.ThrowsAsync<FeatureServerException>(
            () => FeatureServer.StartAsync(runtime, new FeatureServerOptions(IPAddress.Loopback, _server.GrpcAddress.Port), CancellationToken.None));
        Assert.Contains("--grpc-port", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ask_ServerGone_IsUnavailable()
    {
        await _server.DisposeAsync();
        var error = await Assert.ThrowsAsync<RpcException>(() => AskAsync(Service("fraud_v1", "u1")));
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
    }

    private static GetOnlineFeaturesRequest Service(string name, params string[] users) => Entities(new GetOnlineFeaturesRequest { FeatureService = name }, users);

    private static GetOnlineFeaturesRequest References(string[] references, params string[] users) =>
        Entities(new GetOnlineFeaturesRequest { Features = new FeatureList { Val = { references } } }, users);

    private static GetOnlineFeaturesRequest Entities(GetOnlineFeaturesRequest request, string[] users)
    {
        request.Entities["user_id"] = new RepeatedValue { Val = { users.Select(u => new Value { StringVal = u }) } };
        return request;
    }

    private void Put(string view, string user, params byte[][] values)
    {
        var key = EntityKeyEncoder.Encode([("user_id", new Value { StringVal = user })], 3);
        _store.Rows[(view, Convert.ToHexString(key))] = new EncodedRow(key, EventTime.ToUnixTimeMilliseconds() * 1000, null, values);
    }

    private Task<GetOnlineFeaturesResponse> AskAsync(GetOnlineFeaturesRequest request) =>
        _client.GetOnlineFeaturesAsync(request, null, CancellationToken.None);

    private async Task RefusedAsync(GetOnlineFeaturesRequest request, StatusCode code, string text)
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => AskAsync(request));
        Assert.Equal(code, error.StatusCode);
        Assert.Contains(text, error.Status.Detail, StringComparison.Ordinal);
    }
}
