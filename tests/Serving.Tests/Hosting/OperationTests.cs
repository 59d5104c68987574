using System.Net;
using Feast.Serving;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Registry.Validation;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Retrieval;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging.Abstractions;

namespace FeatureStore.Serving.Tests.Hosting;

/// <summary>What those who run the server see: health, reflection, metrics, and a registry that changes.</summary>
public sealed class OperationTests
{
    [Theory]
    [InlineData("")]
    [InlineData("feast.serving.ServingService")]
    [InlineData("GrpcFeatureServer")]
    public async Task Health_OfEachService_IsServing(string service)
    {
        await using var bank = await ServedBank.StartAsync();
        using var channel = GrpcChannel.ForAddress(bank.Server.GrpcAddress);
        var client = new Health.HealthClient(channel);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await client.CheckAsync(new HealthCheckRequest { Service = service })).Status);
        using var watch = client.Watch(new HealthCheckRequest { Service = service });
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, watch.ResponseStream.Current.Status);
    }

    [Fact]
    public async Task Reflection_InBothVersions_ListsTheServices()
    {
        await using var bank = await ServedBank.StartAsync();
        using var channel = GrpcChannel.ForAddress(bank.Server.GrpcAddress);
        string[] expected = ["GrpcFeatureServer", "feast.serving.ServingService", "grpc.health.v1.Health"];

        using var newer = new global::Grpc.Reflection.V1.ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo();
        await newer.RequestStream.WriteAsync(new global::Grpc.Reflection.V1.ServerReflectionRequest { ListServices = "" });
        Assert.True(await newer.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(expected, newer.ResponseStream.Current.ListServicesResponse.Service.Select(s => s.Name).Order(StringComparer.Ordinal));

        using var older = new global::Grpc.Reflection.V1Alpha.ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo();
        await older.RequestStream.WriteAsync(new global::Grpc.Reflection.V1Alpha.ServerReflectionRequest { ListServices = "" });
        Assert.True(await older.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(expected, older.ResponseStream.Current.ListServicesResponse.Service.Select(s => s.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Metrics_AfterRequests_CountThemByFeastsNames()
    {
        await using var bank = await ServedBank.StartAsync();
        bank.PutWeekly("secret-user", ValueBytes.Int64(3), ValueBytes.Null, ValueBytes.Null);
        await bank.AskBothAsync("weekly:count", "secret-user", "nobody");
        await bank.PostAsync("/get-online-features", """{"features":["nope:x"],"entities":{"user_id":["u"]}}""");
        await bank.PostAsync("/push", """{"push_source_name":"weekly_push","df":{"user_id":["x"],"event_timestamp":["2026-11-23"],"count":[1],"average":[1],"seen":[1]}}""");
        using var answer = await bank.Http.GetAsync(new Uri("/metrics", UriKind.Relative));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.Equal("text/plain", answer.Content.Headers.ContentType!.MediaType);
        Assert.All(
            [
                "feast_feature_server_request_total{endpoint=\"/get-online-features\",status=\"success\"} 1\n",
                "feast_feature_server_request_total{endpoint=\"/get-online-features\",status=\"error\"} 1\n",
                "feast_feature_server_request_total{endpoint=\"/feast.serving.ServingService/GetOnlineFeatures\",status=\"success\"} 1\n",
                "feast_online_features_request_total 2\n",
                "feast_online_features_status_total{feature_view=\"weekly\",status=\"present\"} 2\n",
                "feast_online_features_status_total{feature_view=\"weekly\",status=\"not_found\"} 2\n",
                "feast_push_request_total{push_source=\"weekly_push\",mode=\"online\"} 1\n",
                "feast_online_features_entity_count_sum 4\n",
                "feature_count=\"1-10\",feature_view_count=\"1\"",
                "feast_feature_server_request_latency_seconds_count{endpoint=\"/push\",feature_count=\"\",feature_view_count=\"\"} 1\n",
            ],
            line => Assert.Contains(line, text, StringComparison.Ordinal));
        Assert.DoesNotContain("secret-user", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_WhileARequestRuns_AnswersItFirst()
    {
        var store = new HeldStore();
        var bank = await ServedBank.StartAsync(store: store);
        using var channel = GrpcChannel.ForAddress(bank.Server.GrpcAddress);
        using var watch = new Health.HealthClient(channel).Watch(new HealthCheckRequest());
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        var call = bank.PostAsync("/get-online-features", """{"feature_service":"fraud_v1","entities":{"user_id":["u1"]}}""");
        await store.Begun.Task.WaitAsync(Patience);
        var stopping = bank.Server.DisposeAsync().AsTask();

        // Balancers hear of it while the request still runs.
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, watch.ResponseStream.Current.Status);
        watch.Dispose();
        Assert.False(call.IsCompleted);
        store.Release.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await call.WaitAsync(Patience)).Status);
        await stopping.WaitAsync(Patience);
    }

    [Fact]
    public async Task Ask_MessageBeyondTheLimit_IsResourceExhausted()
    {
        await using var bank = await ServedBank.StartAsync(new RetrievalLimits(MessageBytesMax: 2_048));
        var request = new GetOnlineFeaturesRequest { FeatureService = "fraud_v1" };
        request.Entities["user_id"] = new Feast.Types.RepeatedValue { Val = { ServedBank.Text(new string('x', 10_000)) } };
        var error = await Assert.ThrowsAsync<RpcException>(() => bank.Grpc.GetOnlineFeaturesAsync(request, null, CancellationToken.None));
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
    }

    [Fact]
    public void Refresh_RegistryChangesThenBreaks_ServesTheNewAndThenTheLastGood()
    {
        var revision = "1";
        var snapshot = ServedBank.Snapshot();
        Func<RegistrySnapshot> load = () => snapshot;
        using var refresh = Refresh(() => revision, () => load(), out var runtime);
        Assert.False(refresh.Check());

        revision = "2";
        snapshot = snapshot with { FeatureServices = new Dictionary<string, FeatureServiceModel>() };
        Assert.True(refresh.Check());
        Assert.Throws<RetrievalException>(() => runtime.Plans.Service("fraud_v1"));

        revision = "3";
        load = () => throw new RegistryException("torn");
        Assert.False(refresh.Check());
        Assert.Equal("count", runtime.Plans.References(["weekly:count"]).Features[0].Name);

        // Mended without another change of revision, it is taken up: a failure is not remembered as seen.
        snapshot = ServedBank.Snapshot();
        load = () => snapshot;
        Assert.True(refresh.Check());
        Assert.Equal(2, runtime.Plans.Service("fraud_v1").Features.Count);
    }

    [Theory]
    [InlineData(Feast.Core.FeatureViewState.Materializing, false, false)]
    [InlineData(Feast.Core.FeatureViewState.Materializing, true, true)]
    [InlineData(Feast.Core.FeatureViewState.Generated, true, false)]
    [InlineData(Feast.Core.FeatureViewState.AvailableOnline, false, true)]
    public void Ask_ViewInAState_IsServedByFeastsRuleUnderItsPolicyAlone(Feast.Core.FeatureViewState state, bool whileMaterializing, bool served)
    {
        var policy = StatusPolicy.FeastRedis with { ServesWhileMaterializing = whileMaterializing };
        var snapshot = ServedBank.Snapshot();
        var views = snapshot.FeatureViews.ToDictionary(v => v.Key, v => v.Value with { State = state });
        snapshot = snapshot with { FeatureViews = views };
        Assert.NotNull(new PlanCompiler(snapshot, StatusPolicy.Strict).Service("fraud_v1"));
        var fault = Record.Exception(() => new PlanCompiler(snapshot, policy).Service("fraud_v1"));
        Assert.Equal(served, fault is null);
    }

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static SnapshotRefresh Refresh(Func<string> revision, Func<RegistrySnapshot> load, out ServingRuntime runtime)
    {
        runtime = new ServingRuntime(ServedBank.Snapshot(), new FixedStore(), TimeProvider.System, new RetrievalLimits());
        return new SnapshotRefresh(runtime, new SnapshotSource(revision, load, TimeSpan.Zero), NullLogger<SnapshotRefresh>.Instance);
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
