using System.Globalization;
using FeatureStore.Client.Tests.Server;
using Grpc.Core;
using Value = Feast.Types.Value;

namespace FeatureStore.Client.Tests;

public sealed class BatchTests : IAsyncLifetime
{
    private FakeFeatureServer _server = null!;

    public async Task InitializeAsync() => _server = await FakeFeatureServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Query_MoreRowsThanABatch_IsSplitEvenlyAndJoinedInOrder()
    {
        var users = Enumerable.Range(0, 2_501).Select(i => new string('u', i % 7) + i.ToString(CultureInfo.InvariantCulture)).ToArray();
        using var client = Client(1_000);
        var table = await client.GetOnlineFeaturesAsync(Query(users));
        Assert.Equal([834, 834, 833], _server.Service.Requests.Select(r => r.Entities["user_id"].Val.Count).OrderDescending());
        Assert.Equal(users, table.Rows.Select(r => r["user_id"].Get<string>()));
        Assert.Equal(users.Select(u => (long)u.Length), table.Rows.Select(r => r["num_transactions_l1w"].Get<long>()));
    }

    [Theory]
    [InlineData(0, 10, new[] { 0 })]
    [InlineData(10, 10, new[] { 10 })]
    [InlineData(11, 10, new[] { 6, 5 })]
    [InlineData(3, 1, new[] { 1, 1, 1 })]
    public void BatchSizes_OfRows_CoverThemEvenly(int rows, int rowsMax, int[] expected) =>
        Assert.Equal(expected, FeatureStoreClient.BatchSizes(rows, rowsMax));

    [Fact]
    public async Task Query_BatchesAtOnce_StayWithinTheBound()
    {
        const int InFlightMax = 3;
        var inFlight = 0;
        var most = 0;
        var full = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.Service.Answer = async (_, request, _) =>
        {
            var now = Interlocked.Increment(ref inFlight);
            InterlockedMax(ref most, now);
            if (now >= InFlightMax)
            {
                full.TrySetResult();
            }

            await full.Task;
            Interlocked.Decrement(ref inFlight);
            return CannedAnswers.Counts(request);
        };
        using var client = Client(1, InFlightMax);
        await client.GetOnlineFeaturesAsync(Query([.. Enumerable.Range(0, 20).Select(i => $"u{i}")]));
        Assert.Equal(InFlightMax, most);
    }

    [Fact]
    public async Task Query_BatchesWithColumnsInAnotherOrder_ArePairedByName()
    {
        _server.Service.Answer = (call, request, _) =>
        {
            var users = CannedAnswers.Column(request.Entities["user_id"].Val);
            var ones = CannedAnswers.Column(request.Entities["user_id"].Val.Select(_ => new Value { Int64Val = 1 }));
            return Task.FromResult(call == 1 ? CannedAnswers.Of(("user_id", users), ("one", ones)) : CannedAnswers.Of(("one", ones), ("user_id", users)));
        };
        using var client = Client(1);
        var table = await client.GetOnlineFeaturesAsync(Query("a", "b", "c"));
        Assert.Equal(["a", "b", "c"], table.Rows.Select(r => r["user_id"].Get<string>()));
        Assert.Equal([1L, 1L, 1L], table.Rows.Select(r => r["one"].Get<long>()));
    }

    [Fact]
    public async Task Query_ColumnsChangeBetweenBatches_AsksToTryAgain()
    {
        _server.Service.Answer = (call, request, _) =>
            Task.FromResult(CannedAnswers.Of((call == 1 ? "user_id" : "other", CannedAnswers.Column(request.Entities["user_id"].Val))));
        using var client = Client(1);
        var error = await Assert.ThrowsAsync<FeatureStoreException>(() => client.GetOnlineFeaturesAsync(Query("a", "b")));
        Assert.Equal(StatusCode.Aborted, error.StatusCode);
        Assert.True(error.IsTransient);
    }

    [Fact]
    public async Task Query_OneBatchRefused_FailsWithItsStatusAndCancelsTheRest()
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.Service.Answer = async (_, request, context) =>
        {
            if (request.Entities["user_id"].Val[0].StringVal == "bad")
            {
                await waiting.Task;
                throw new RpcException(new Status(StatusCode.InvalidArgument, "bad"));
            }

            context.CancellationToken.Register(() => cancelled.TrySetResult());
            waiting.TrySetResult();
            await cancelled.Task;
            return CannedAnswers.Counts(request);
        };
        using var client = Client(1, 2);
        var error = await Assert.ThrowsAsync<FeatureStoreException>(() => client.GetOnlineFeaturesAsync(Query("good", "bad")));
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private static void InterlockedMax(ref int target, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
        {
        }
    }

    private static OnlineFeaturesQuery Query(params string[] users) => OnlineFeaturesQuery.ForService("fraud_v1", EntityRows.Of("user_id", users));

    private FeatureStoreClient Client(int batchRowsMax, int inFlightMax = 4) =>
        new(new FeatureStoreClientOptions { Target = _server.Address, BatchRowsMax = batchRowsMax, BatchesInFlightMax = inFlightMax });
}
