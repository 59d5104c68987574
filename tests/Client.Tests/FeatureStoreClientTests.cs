using Feast.Serving;
using FeatureStore.Client.Tests.Server;
using Grpc.Core;

namespace FeatureStore.Client.Tests;

public sealed class FeatureStoreClientTests : IAsyncLifetime
{
    private static readonly TimeSpan SignalWait = TimeSpan.FromSeconds(20);
    private static readonly RetryOptions QuickRetry = RetryOptions.Default with { InitialBackoff = TimeSpan.FromMilliseconds(1), MaxBackoff = TimeSpan.FromMilliseconds(5) };

    private FakeFeatureServer _server = null!;

    public async Task InitializeAsync() => _server = await FakeFeatureServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Query_ByService_GivesRowsWithStatusesAndTimes()
    {
        using var client = Client();
        var table = await client.GetOnlineFeaturesAsync(Query("abc", "null", "nobody", "old"));
        var request = Assert.Single(_server.Service.Requests);
        Assert.Equal("fraud_v1", request.FeatureService);
        Assert.Equal(["user_id", "num_transactions_l1w"], table.Columns.Select(c => c.Name));
        Assert.Equal(["abc", "null", "nobody", "old"], table.Rows.Select(r => r["user_id"].Get<string>()));
        Assert.Equal(
            [FieldStatus.Present, FieldStatus.NullValue, FieldStatus.NotFound, FieldStatus.OutsideMaxAge],
            table.Rows.Select(r => r["num_transactions_l1w"].Status));
        Assert.Equal(3, table.Row(0)["num_transactions_l1w"].Get<long>());
        Assert.Equal(CannedAnswers.EventTime, table.Row(0)["num_transactions_l1w"].EventTimestamp);
        Assert.Null(table.Row(2)["num_transactions_l1w"].EventTimestamp);
        Assert.Equal(3, table.Row(3)["num_transactions_l1w"].Message.Int64Val);
    }

    [Fact]
    public async Task Query_ByReferences_SendsThemWithTypedKeys()
    {
        _server.Service.Answer = (_, request, _) => Task.FromResult(CannedAnswers.Of(("driver_id", CannedAnswers.Column(request.Entities["driver_id"].Val))));
        using var client = Client();
        var rows = EntityRows.Of("driver_id", 1001L, 1002L).And("customer_id", "c1", "c2");
        await client.GetOnlineFeaturesAsync(OnlineFeaturesQuery.ForFeatures(["v:a", "w:b"], rows) with { FullFeatureNames = true });
        var request = Assert.Single(_server.Service.Requests);
        Assert.Equal(["v:a", "w:b"], request.Features.Val);
        Assert.True(request.FullFeatureNames);
        Assert.Equal([1001, 1002], request.Entities["driver_id"].Val.Select(v => v.Int64Val));
        Assert.Equal(["c1", "c2"], request.Entities["customer_id"].Val.Select(v => v.StringVal));
    }

    [Fact]
    public async Task Query_UnavailableTwice_SucceedsAtTheThirdTry()
    {
        _server.Service.Answer = (call, request, _) => call <= 2
            ? throw new RpcException(new Status(StatusCode.Unavailable, "warming up"))
            : Task.FromResult(CannedAnswers.Counts(request));
        using var client = Client(o => o.Retry = QuickRetry);
        var table = await client.GetOnlineFeaturesAsync(Query("abc"));
        Assert.Equal(3, table.Row(0)["num_transactions_l1w"].Get<long>());
        Assert.Equal(3, _server.Service.Requests.Count);
    }

    [Theory]
    [InlineData(StatusCode.Unavailable, 4, 4)]
    [InlineData(StatusCode.Unavailable, 1, 1)]
    [InlineData(StatusCode.InvalidArgument, 4, 1)]
    [InlineData(StatusCode.ResourceExhausted, 4, 1)]
    public async Task Query_FailingForEver_IsTriedAsOftenAsSaid(StatusCode code, int attemptsMax, int expected)
    {
        _server.Service.Answer = (_, _, _) => throw new RpcException(new Status(code, "no"));
        using var client = Client(o => o.Retry = QuickRetry with { AttemptsMax = attemptsMax });
        var error = await Assert.ThrowsAsync<FeatureStoreException>(() => client.GetOnlineFeaturesAsync(Query("abc")));
        Assert.Equal(code, error.StatusCode);
        Assert.Equal(expected, _server.Service.Requests.Count);
    }

    [Theory]
    [InlineData(StatusCode.NotFound, false)]
    [InlineData(StatusCode.InvalidArgument, false)]
    [InlineData(StatusCode.PermissionDenied, false)]
    [InlineData(StatusCode.ResourceExhausted, true)]
    public async Task Query_Refused_KeepsStatusAndDetail(StatusCode code, bool transient)
    {
        _server.Service.Answer = (_, _, _) => throw new RpcException(new Status(code, "There is no feature service 'für'."));
        using var client = Client();
        var error = await Assert.ThrowsAsync<FeatureStoreException>(() => client.GetOnlineFeaturesAsync(Query("abc")));
        Assert.Equal(code, error.StatusCode);
        Assert.Equal(transient, error.IsTransient);
        Assert.Contains("There is no feature service 'für'.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Query_PastItsDeadline_FailsAndStopsTheServer()
    {
        var stopped = WaitForServerCancellation(out _);
        using var client = Client();
        var error = await Assert.ThrowsAsync<FeatureStoreException>(
            () => client.GetOnlineFeaturesAsync(Query("abc"), TimeSpan.FromMilliseconds(300)));
        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        Assert.True(error.IsTransient);
        await stopped.WaitAsync(SignalWait);
    }

    [Fact]
    public async Task Query_Cancelled_ThrowsForThatTokenAndStopsTheServer()
    {
        var stopped = WaitForServerCancellation(out var begun);
        using var client = Client();
        using var source = new CancellationTokenSource();
        var call = client.GetOnlineFeaturesAsync(Query("abc"), cancellationToken: source.Token);
        await begun.WaitAsync(SignalWait);
        await source.CancelAsync();
        var error = await Assert.ThrowsAsync<OperationCanceledException>(() => call);
        Assert.Equal(source.Token, error.CancellationToken);
        await stopped.WaitAsync(SignalWait);
    }

    [Fact]
    public async Task Query_NobodyListens_NamesTheTarget()
    {
        await _server.DisposeAsync();
        using var client = Client(o => o.Retry = QuickRetry);
        var error = await Assert.ThrowsAsync<FeatureStoreException>(() => client.GetOnlineFeaturesAsync(Query("abc")));
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        Assert.True(error.IsTransient);
        Assert.Contains(_server.Address.Authority, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Query_AnswerAboveTheBound_IsRefused()
    {
        using var client = Client(o => o.ReceiveBytesMax = 20);
        var error = await Assert.ThrowsAsync<FeatureStoreException>(() => client.GetOnlineFeaturesAsync(Query("abc")));
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
    }

    [Theory]
    [InlineData(true, "gzip")]
    [InlineData(false, null)]
    public async Task Query_Compressed_ArrivesAsSuch(bool compress, string? expected)
    {
        string? encoding = null;
        _server.Service.Answer = (_, request, context) =>
        {
            encoding = context.GetHttpContext().Request.Headers["grpc-encoding"];
            return Task.FromResult(CannedAnswers.Counts(request));
        };
        using var client = Client(o => o.CompressRequests = compress);
        var table = await client.GetOnlineFeaturesAsync(Query("abc"));
        Assert.Equal("abc", table.Row(0)["user_id"].Get<string>());
        Assert.Equal(expected, encoding);
    }

    [Fact]
    public async Task Version_Asked_IsTheServers()
    {
        using var client = Client();
        Assert.Equal("1.2.3", await client.GetServingVersionAsync());
    }

    private static OnlineFeaturesQuery Query(params string[] users) => OnlineFeaturesQuery.ForService("fraud_v1", EntityRows.Of("user_id", users));

    private FeatureStoreClient Client(Action<FeatureStoreClientOptions>? configure = null)
    {
        var options = new FeatureStoreClientOptions { Target = _server.Address };
        configure?.Invoke(options);
        return new FeatureStoreClient(options);
    }

    private Task WaitForServerCancellation(out Task begun)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.Service.Answer = async (_, _, context) =>
        {
            context.CancellationToken.Register(() => stopped.TrySetResult());
            started.TrySetResult();
            await stopped.Task;
            return new GetOnlineFeaturesResponse();
        };
        begun = started.Task;
        return stopped.Task;
    }
}
