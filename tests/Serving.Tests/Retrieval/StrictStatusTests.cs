using System.Net;
using Feast.Serving;
using FeatureStore.Contract.Values;
using Grpc.Core;

namespace FeatureStore.Serving.Tests.Retrieval;

/// <summary>The strict policy, each case by both APIs.</summary>
public sealed class StrictStatusTests : IAsyncLifetime
{
    private ServedBank _bank = null!;

    /// <summary>Feature, user, milliseconds past the ttl, and what both APIs say.</summary>
    public static TheoryData<string, string, int, string> Cases => new()
    {
        { "weekly:count", "u1", 0, "3 PRESENT" },
        { "weekly:count", "u1", -1, "3 PRESENT" },
        { "weekly:count", "u1", 1, "3 OUTSIDE_MAX_AGE" },
        { "weekly:average", "u1", 0, "null NULL_VALUE" },
        { "weekly:average", "u1", 1, "null OUTSIDE_MAX_AGE" },
        { "weekly:seen", "u1", 0, "null NULL_VALUE" },
        { "weekly:seen", "u1", 1, "null OUTSIDE_MAX_AGE" },
        { "weekly:seen", "u2", 0, "1793491200 PRESENT" },
        { "weekly:count", "nobody", 0, "null NOT_FOUND" },
        { "weekly:count", "nobody", 1, "null NOT_FOUND" },
    };

    public async Task InitializeAsync()
    {
        _bank = await ServedBank.StartAsync();
        _bank.PutWeekly("u1", ValueBytes.Int64(3), ValueBytes.Null, ValueBytes.UnixTimestamp(long.MinValue));
        _bank.PutWeekly("u2", ValueBytes.Int64(4), ValueBytes.Double(1), ValueBytes.UnixTimestamp(1_793_491_200));
    }

    public async Task DisposeAsync() => await _bank.DisposeAsync();

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Ask_AroundTheTtl_TellsTheTruthOverBothApis(string reference, string user, int millisPastTtl, string expected)
    {
        _bank.Time.Now = ServedBank.EventTime + ServedBank.Ttl + TimeSpan.FromMilliseconds(millisPastTtl);
        var (grpc, http) = await _bank.AskBothAsync(reference, user);
        Assert.Equal((expected, expected), (grpc[0], http[0]));
    }

    [Fact]
    public async Task Ask_SameUserOftenAndOthers_FansOutInOrder()
    {
        string[] expected = ["4 PRESENT", "3 PRESENT", "null NOT_FOUND", "3 PRESENT", "4 PRESENT"];
        var (grpc, http) = await _bank.AskBothAsync("weekly:count", "u2", "u1", "nobody", "u1", "u2");
        Assert.Equal(expected, grpc);
        Assert.Equal(expected, http);
        Assert.Equal([3, 3], _bank.Store.KeysPerRead);
    }

    [Fact]
    public async Task Ask_DamagedValue_IsAFaultThatNamesTheFeature()
    {
        _bank.PutWeekly("torn", [0x12, 0x20, 0x41], ValueBytes.Null, ValueBytes.Null);
        var request = new GetOnlineFeaturesRequest { FeatureService = "fraud_v1" };
        request.Entities["user_id"] = new Feast.Types.RepeatedValue { Val = { ServedBank.Text("torn") } };
        var error = await Assert.ThrowsAsync<RpcException>(() => _bank.Grpc.GetOnlineFeaturesAsync(request, null, CancellationToken.None));
        Assert.Equal(StatusCode.DataLoss, error.StatusCode);
        Assert.Contains("weekly:count", error.Status.Detail, StringComparison.Ordinal);
        var (status, body) = await _bank.PostAsync("/get-online-features", """{"feature_service":"fraud_v1","entities":{"user_id":["torn"]}}""");
        Assert.Equal(HttpStatusCode.InternalServerError, status);
        Assert.Contains("weekly:count", body, StringComparison.Ordinal);
    }
}
