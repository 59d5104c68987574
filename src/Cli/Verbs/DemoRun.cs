using System.Globalization;
using System.Net;
using Feast.Serving;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Client;
using FeatureStore.Jobs.Materialize;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Retrieval;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Cli.Verbs;

/// <summary>What a demo runs on.</summary>
/// <param name="Users">Users to ask for.</param>
/// <param name="Where">How the commands to try next name the repo; empty for the default one.</param>
/// <param name="FillAsync">Fills the change log, and answers the first feature time.</param>
internal sealed record Demo(
    Repo Repo, IReadOnlyList<string> Users, string Where, Func<StepReport, Pipeline, CancellationToken, Task<DateTimeOffset>> FillAsync);

/// <summary>The steps of a demo after its data, a line each, and what to try next.</summary>
internal sealed class DemoRun(Demo demo, TextWriter output, TimeProvider time)
{
    private const string Service = "fraud_v1";
    private const string Nobody = "nobody";
    private const int CallsForLatency = 20;
    private readonly StepReport _steps = new(output, !Console.IsOutputRedirected, time);
    private readonly Pipeline _pipeline = new(demo.Repo);

    /// <summary>Exit code: done, or 1 when the stores do not agree.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var now = time.GetUtcNow();
        var first = await demo.FillAsync(_steps, _pipeline, cancellationToken);
        await _steps.RunAsync("ingest", progress => Done(_pipeline.Ingest(progress, cancellationToken), IngestText));
        await _steps.RunAsync("apply", async _ =>
        {
            var result = await ApplyVerb.RunAsync(demo.Repo, null, false, cancellationToken);
            return (result, result.Written ? $"{result.Added.Count} added, {result.Changed.Count} changed, {result.Removed.Count} removed" : "nothing to change");
        });
        var snapshot = demo.Repo.Snapshot();
        await ComputeAsync(snapshot, first, now, cancellationToken);
        var views = _pipeline.Materializable(snapshot);
        foreach (var view in views)
        {
            await _steps.RunAsync("materialize", async progress =>
            {
                var start = view.Ttl > TimeSpan.Zero ? Earlier(first, now - view.Ttl) : first;
                var counts = await _pipeline.MaterializeAsync(view, MaterializeRange.Between(start, now, now), progress, cancellationToken);
                return (counts, string.Create(CultureInfo.InvariantCulture, $"{view.Name}: {counts.Written:N0} entities online"));
            });
        }

        await _steps.RunAsync("serve", async _ => (true, await AskAsync(snapshot, cancellationToken)));
        var passed = await VerifyAsync(views, cancellationToken);
        Summary(time.GetElapsedTime(started), passed);
        return passed ? ExitCodes.Ok : ExitCodes.No;
    }

    private static Task<(T Result, string Line)> Done<T>(T result, Func<T, string> line) => Task.FromResult((result, line(result)));

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    private static string IngestText(IReadOnlyList<TopicResult> results) => string.Create(
        CultureInfo.InvariantCulture,
        $"{string.Join(", ", results.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Table}: {r.Landed.Rows:N0} rows landed")))}; {results.Sum(r => r.Landed.DeadLetters):N0} dead letters");

    private async Task ComputeAsync(RegistrySnapshot snapshot, DateTimeOffset first, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var mondays = new List<long>();
        for (var monday = first; monday <= now; monday = monday.AddDays(7))
        {
            mondays.Add(Instant.Micros(monday));
        }

        await _steps.RunAsync("features", progress => Done(
            _pipeline.Compute(snapshot, mondays, progress, cancellationToken),
            rows => string.Create(CultureInfo.InvariantCulture, $"{rows:N0} new rows for {mondays.Count} Mondays from {first:yyyy-MM-dd}")));
    }

    private async Task<string> AskAsync(RegistrySnapshot snapshot, CancellationToken cancellationToken)
    {
        await using var store = demo.Repo.OnlineStore();
        var runtime = new ServingRuntime(snapshot, store, time, new RetrievalLimits());
        await using var server = await FeatureServer.StartAsync(runtime, new FeatureServerOptions(IPAddress.Loopback, 0), cancellationToken);
        using var client = new FeatureStoreClient(server.GrpcAddress);
        var request = GetOnlineFeaturesVerb.Request(Service, null, [$"user_id={string.Join(',', demo.Users)},{Nobody}"], Kind.String);

        // The first call opens the connection and compiles the plan; the others are what a caller sees.
        Show(await client.GetOnlineFeaturesAsync(request, null, cancellationToken));
        var elapsed = new List<TimeSpan>();
        for (var call = 0; call < CallsForLatency; call++)
        {
            var started = time.GetTimestamp();
            await client.GetOnlineFeaturesAsync(request, null, cancellationToken);
            elapsed.Add(time.GetElapsedTime(started));
        }

        elapsed.Sort();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Service} for {demo.Users.Count + 1} users over gRPC in {elapsed[elapsed.Count / 2].TotalMilliseconds:0.0} ms (median of {CallsForLatency} calls, longest {elapsed[^1].TotalMilliseconds:0.0} ms)");
    }

    // A feature a line: a line for each user would be wider than most terminals.
    private void Show(GetOnlineFeaturesResponse reply)
    {
        var rows = reply.Metadata.FeatureNames.Val.Zip(reply.Results).Skip(1)
            .Select(column => (IReadOnlyList<object?>)[column.First, .. Enumerable.Range(0, demo.Users.Count + 1).Select(user => GetOnlineFeaturesVerb.Cell(column.Second, user))]);
        Answer.Rows(json: false, ["feature", .. demo.Users, Nobody], rows);
    }

    private async Task<bool> VerifyAsync(IReadOnlyList<FeatureViewModel> views, CancellationToken cancellationToken)
    {
        var passed = views.Count > 0;
        foreach (var view in views)
        {
            passed &= await _steps.RunAsync("parity", async _ =>
            {
                var report = await _pipeline.VerifyAsync(view, cancellationToken)
                    ?? throw new InvalidOperationException($"{view.Name} was just materialised, and the registry does not say so.");
                return (report.Passed && report.Total > 0, string.Create(CultureInfo.InvariantCulture, $"{view.Name}: {report.Equal:N0} of {report.Total:N0} equal"));
            });
        }

        return passed;
    }

    private void Summary(TimeSpan elapsed, bool passed)
    {
        var told = passed ? "every online value equals the lake's" : "the stores do not agree: run 'fstore verify parity' for the first differences";
        output.WriteLine();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Done in {elapsed.TotalSeconds:0.0} s; {told}. Try next:"));
        output.WriteLine($"  ./fstore serve{demo.Where}");
        output.WriteLine($"  ./fstore get-online-features --feature-service {Service} --entities user_id={demo.Users[0]},{demo.Users[1]}    (from another terminal)");
        output.WriteLine($"  ./fstore features show --as-of {time.GetUtcNow():yyyy-MM-dd} --user {demo.Users[0]}{demo.Where}");
        output.WriteLine($"  ./fstore verify parity{demo.Where}");
    }
}
