using Feast.Serving;
using FeatureStore.OnlineStore;
using Grpc.Core;

namespace FeatureStore.Serving.Tests.Retrieval;

/// <summary>A caller who gives up stops the store read; the store here waits until then.</summary>
public sealed class CancellationTests
{
    private const string Body = """{"feature_service":"fraud_v1","entities":{"user_id":["u1"]}}""";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Ask_GrpcDeadlinePasses_CancelsTheRead()
    {
        var store = new WaitingStore();
        await using var bank = await ServedBank.StartAsync(store: store);
        var request = new GetOnlineFeaturesRequest { FeatureService = "fraud_v1" };
        request.Entities["user_id"] = new Feast.Types.RepeatedValue { Val = { ServedBank.Text("u1") } };
        var call = bank.Grpc.GetOnlineFeaturesAsync(request, DateTime.UtcNow.AddSeconds(2), CancellationToken.None);
        await store.Begun.Task.WaitAsync(Patience);
        var error = await Assert.ThrowsAsync<RpcException>(() => call);
        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        await store.Cancelled.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task Ask_HttpCallerGoesAway_CancelsTheRead()
    {
        var store = new WaitingStore();
        await using var bank = await ServedBank.StartAsync(store: store);
        using var leave = new CancellationTokenSource();
        var call = bank.PostAsync("/get-online-features", Body, leave.Token);
        await store.Begun.Task.WaitAsync(Patience);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await store.Cancelled.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task Ask_StoreFails_IsUnavailableOverBothApis()
    {
        await using var bank = await ServedBank.StartAsync(store: new FailingStore());
        var request = new GetOnlineFeaturesRequest { FeatureService = "fraud_v1" };
        request.Entities["user_id"] = new Feast.Types.RepeatedValue { Val = { ServedBank.Text("u1") } };
        var error = await Assert.ThrowsAsync<RpcException>(() => bank.Grpc.GetOnlineFeaturesAsync(request, null, CancellationToken.None));
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, (await bank.PostAsync("/get-online-features", Body)).Status);
    }

    private sealed class WaitingStore : ReadOnlyStore
    {
        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async Task<OnlineRead[][]> ReadAsync(
            IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken)
        {
            using var registration = cancellationToken.Register(() => Cancelled.TrySetResult());
            Begun.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return [];
        }
    }

    private sealed class FailingStore : ReadOnlyStore
    {
        public override Task<OnlineRead[][]> ReadAsync(
            IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
            throw new OnlineStoreException("The store is away; start it.");
    }
}
