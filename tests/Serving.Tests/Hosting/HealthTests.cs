using System.Net;
using System.Net.Sockets;
using System.Text;
using FeatureStore.OnlineStore;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Status = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace FeatureStore.Serving.Tests.Hosting;

/// <summary>Health over both APIs, which say the same at every moment.</summary>
public sealed class HealthTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Health_WhileServing_IsGoodOverBoth()
    {
        await using var bank = await ServedBank.StartAsync();
        using var answer = await bank.Http.GetAsync(new Uri("/health", UriKind.Relative));
        Assert.Equal((HttpStatusCode.OK, 0), (answer.StatusCode, (await answer.Content.ReadAsByteArrayAsync()).Length));
        using var channel = GrpcChannel.ForAddress(bank.Server.GrpcAddress);
        Assert.Equal(Status.Serving, (await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest())).Status);
    }

    [Fact]
    public async Task Health_WhileTheLastRequestIsAnswered_TurnsNewOnesAwayOverBoth()
    {
        var store = new HeldStore();
        var bank = await ServedBank.StartAsync(store: store);
        using var channel = GrpcChannel.ForAddress(bank.Server.GrpcAddress);
        using var watch = new Health.HealthClient(channel).Watch(new HealthCheckRequest());
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));

        // A balancer's question that is under way when the server is told to stop: after that no connection is taken.
        using var balancer = new TcpClient();
        await balancer.ConnectAsync(IPAddress.Loopback, bank.Server.HttpAddress.Port);
        await balancer.GetStream().WriteAsync("GET /health HTTP/1.1\r\nHost: feast\r\n"u8.ToArray());
        var call = bank.PostAsync("/get-online-features", """{"feature_service":"fraud_v1","entities":{"user_id":["u1"]}}""");
        await store.Begun.Task.WaitAsync(Patience);
        var stopping = bank.Server.DisposeAsync().AsTask();
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(Status.NotServing, watch.ResponseStream.Current.Status);
        watch.Dispose();
        await balancer.GetStream().WriteAsync("\r\n"u8.ToArray());
        using var reader = new StreamReader(balancer.GetStream(), Encoding.ASCII);
        Assert.Equal("HTTP/1.1 503 Service Unavailable", await reader.ReadLineAsync().WaitAsync(Patience));
        store.Release.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await call.WaitAsync(Patience)).Status);
        await stopping.WaitAsync(Patience);
    }

    private sealed class HeldStore : ReadOnlyStore
    {
        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Release { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async Task<OnlineRead[][]> ReadAsync(
            IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken)
        {
            Begun.TrySetResult();
            await Release.Task;
            return [.. tables.Select(t => entityKeys.Select(_ => new OnlineRead(null, new byte[]?[t.Features.Count])).ToArray())];
        }
    }
}
