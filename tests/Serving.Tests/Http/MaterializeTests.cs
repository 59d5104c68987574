using System.Net;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Writing;

namespace FeatureStore.Serving.Tests.Http;

public sealed class MaterializeTests
{
    private const string Range = """{"start_ts":"2026-11-01T00:00:00","end_ts":"2026-11-02T00:00:00","feature_views":["weekly"]}""";
    private const string Accepted = """{"status":"accepted","feature_views":["weekly"]}""";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Materialize_AsyncTwice_TheSecondIsRefusedUntilTheFirstEnds()
    {
        var held = new HeldMaterializer();
        await using var bank = await ServedBank.StartAsync(ports: new ServingPorts(Materializer: held));
        Assert.Equal((HttpStatusCode.Accepted, Accepted), await bank.PostAsync("/materialize?async=true", Range));
        await held.Begun.WaitAsync(Patience);

        var (status, body) = await bank.PostAsync("/materialize?async=true", Range);
        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.StartsWith("{\"error\":", body, StringComparison.Ordinal);
        Assert.EndsWith("\"feature_views\":[\"weekly\"]}", body, StringComparison.Ordinal);

        // Another view is free, and force starts beside the first.
        Assert.Equal(HttpStatusCode.Accepted, (await bank.PostAsync("/materialize?async=1", Range.Replace("weekly", "rates", StringComparison.Ordinal))).Status);
        Assert.Equal((HttpStatusCode.Accepted, Accepted), await bank.PostAsync("/materialize?async=true&force=true", Range));
        held.Gate.SetResult();
        using var deadline = new CancellationTokenSource(Patience);
        while ((await bank.PostAsync("/materialize?async=true", Range, deadline.Token)).Status == HttpStatusCode.Conflict)
        {
            await Task.Yield();
        }
    }

    [Fact]
    public async Task Materialize_AwaitedRun_KeepsAsyncOnesOutAndRunsBesideThem()
    {
        var held = new HeldMaterializer();
        await using var bank = await ServedBank.StartAsync(ports: new ServingPorts(Materializer: held));
        var awaited = bank.PostAsync("/materialize", Range);
        await held.Begun.WaitAsync(Patience);
        Assert.Equal(HttpStatusCode.Conflict, (await bank.PostAsync("/materialize?async=true", Range)).Status);
        var beside = bank.PostAsync("/materialize", Range);
        await held.Begun.WaitAsync(Patience);
        held.Gate.SetResult();
        Assert.Equal((HttpStatusCode.OK, "null"), await awaited);
        Assert.Equal((HttpStatusCode.OK, "null"), await beside);
    }

    [Fact]
    public async Task Materialize_AsyncRunFails_TheServerGoesOnAndTheViewIsFree()
    {
        var held = new HeldMaterializer();
        held.Gate.SetException(new InvalidOperationException("no lake"));
        await using var bank = await ServedBank.StartAsync(ports: new ServingPorts(Materializer: held));
        for (var run = 0; run < 3; run++)
        {
            using var deadline = new CancellationTokenSource(Patience);
            while ((await bank.PostAsync("/materialize?async=true", Range, deadline.Token)).Status == HttpStatusCode.Conflict)
            {
                await Task.Yield();
            }
        }
    }

    [Fact]
    public async Task Dispose_AsyncRunUnderWay_IsCancelled()
    {
        var held = new HeldMaterializer();
        var bank = await ServedBank.StartAsync(ports: new ServingPorts(Materializer: held));
        await bank.PostAsync("/materialize?async=true", Range);
        await held.Begun.WaitAsync(Patience);
        await bank.DisposeAsync();
        Assert.True(held.WasCancelled);
    }

    [Fact]
    public async Task Materialize_ForcedWithoutEnd_IsBounded()
    {
        var held = new HeldMaterializer();
        await using var bank = await ServedBank.StartAsync(ports: new ServingPorts(Materializer: held));
        var started = 0;
        while (started < 100 && (await bank.PostAsync("/materialize?async=true&force=true", Range)).Status == HttpStatusCode.Accepted)
        {
            started++;
        }

        Assert.Equal(16, started);
    }

    [Fact]
    public async Task Materialize_FlagThatIsNone_IsRefused()
    {
        await using var bank = await ServedBank.StartAsync(ports: new ServingPorts(Materializer: new HeldMaterializer()));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await bank.PostAsync("/materialize?async=perhaps", Range)).Status);
    }

    private sealed class HeldMaterializer : IMaterializer
    {
        private volatile bool _wasCancelled;

        public SemaphoreSlim Begun { get; } = new(0);

        public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool WasCancelled => _wasCancelled;

        public async Task MaterializeAsync(IReadOnlyList<FeatureViewModel> views, DateTimeOffset start, DateTimeOffset end, CancellationToken cancellationToken)
        {
            Begun.Release();
            try
            {
                await Gate.Task.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                _wasCancelled = true;
                throw;
            }
        }

        public Task MaterializeIncrementalAsync(IReadOnlyList<FeatureViewModel> views, DateTimeOffset end, CancellationToken cancellationToken) =>
            MaterializeAsync(views, end, end, cancellationToken);
    }
}
