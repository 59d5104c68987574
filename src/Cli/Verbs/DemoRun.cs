using System.Globalization;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Jobs.Materialize;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Training.XGBoost;

namespace FeatureStore.Cli.Verbs;

/// <summary>What a demo runs on.</summary>
/// <param name="Users">Users to ask for.</param>
/// <param name="Where">How the commands to try next name the repo; empty for the default one.</param>
/// <param name="Before">A line of the shell that the commands to try next need; null for none.</param>
/// <param name="Task">What to train for; null trains nothing.</param>
/// <param name="FillAsync">Fills the lake.</param>
internal sealed record Demo(
    Repo Repo, IReadOnlyList<string> Users, string Where, string? Before, DemoTask? Task, Func<StepReport, Pipeline, CancellationToken, Task<DemoFill>> FillAsync);

/// <summary>How a demo's lake was filled.</summary>
/// <param name="First">The first feature time.</param>
/// <param name="Rows">Where it was filled in two ways: rows that are equal in both, and all.</param>
internal sealed record DemoFill(DateTimeOffset First, (long Equal, long Total)? Rows = null);

/// <summary>The steps of a demo after its data, a line each, and what to try next.</summary>
internal sealed class DemoRun(Demo demo, TextWriter output, TimeProvider time)
{
    private const string Service = "fraud_v1";
    private const string Nobody = "nobody";
    private readonly StepReport _steps = new(output, !Console.IsOutputRedirected, time);
    private readonly Pipeline _pipeline = new(demo.Repo);
    private (long Equal, long Total) _online;

    /// <summary>Exit code: done, or 1 when the stores do not agree.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var now = time.GetUtcNow();
        var (first, rows) = await demo.FillAsync(_steps, _pipeline, cancellationToken);
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
                var counts = await _pipeline.MaterializeAsync(view, MaterializeRange.Between(start, now, now), isIncremental: false, progress, cancellationToken);
                return (counts, string.Create(CultureInfo.InvariantCulture, $"{view.Name}: {counts.Written:N0} entities online"));
            });
        }

        var questions = new DemoQuestions(demo.Repo, Service, [.. demo.Users, Nobody], time);
        var agree = await _steps.RunAsync("serve", _ => questions.AskAsync(snapshot, cancellationToken));
        var passed = await VerifyAsync(views, cancellationToken) && agree && (rows is not { } two || two.Equal == two.Total);
        string? report = null;
        if (demo.Task is { } task && passed)
        {
            (passed, report) = await TrainAsync(task, snapshot, now, cancellationToken);
        }

        Summary(time.GetElapsedTime(started), passed, report);
        if (rows is { } counted)
        {
            var (equal, total) = (counted.Equal + _online.Equal, counted.Total + _online.Total);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{equal:N0} of {total:N0} equal: rows of the lake that came both ways, and entities online"));
        }

        return passed ? ExitCodes.Ok : ExitCodes.No;
    }

    /// <summary>The step that lands what the change log holds.</summary>
    public static Task IngestAsync(StepReport steps, Pipeline pipeline, CancellationToken cancellationToken) =>
        steps.RunAsync("ingest", progress => Done(pipeline.Ingest(progress, cancellationToken).Tables, IngestText));

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

    private async Task<bool> VerifyAsync(IReadOnlyList<FeatureViewModel> views, CancellationToken cancellationToken)
    {
        var passed = views.Count > 0;
        foreach (var view in views)
        {
            passed &= await _steps.RunAsync("parity", async _ =>
            {
                var report = await _pipeline.VerifyAsync(view, cancellationToken)
                    ?? throw new InvalidOperationException($"{view.Name} was just materialised, and the registry does not say so.");
                _online = (_online.Equal + report.Equal, _online.Total + report.Total);
                return (report.Passed && report.Total > 0, string.Create(CultureInfo.InvariantCulture, $"{view.Name}: {report.Equal:N0} of {report.Total:N0} equal"));
            });
        }

        return passed;
    }

    /// <summary>Trains and scores; without the trainer's library it says so, and the demo is no worse for it.</summary>
    private async Task<(bool Passed, string? Report)> TrainAsync(DemoTask task, RegistrySnapshot snapshot, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (!XgbLibrary.IsThere(out var reason))
        {
            output.WriteLine($"    train        skipped: {reason}");
            return (true, null);
        }

        return await new DemoModel(demo.Repo, Service, task, _steps, time).RunAsync(snapshot, now, cancellationToken);
    }

    private void Summary(TimeSpan elapsed, bool passed, string? report)
    {
        var told = passed ? "every online value equals the lake's" : "the stores do not agree: run 'fstore verify parity' for the first differences";
        output.WriteLine();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Done in {elapsed.TotalSeconds:0.0} s; {told}. Try next:"));
        if (demo.Before is { } before)
        {
            output.WriteLine($"  {before}");
        }

        output.WriteLine($"  ./fstore serve{demo.Where}");
        output.WriteLine($"  ./fstore get-online-features --feature-service {Service} --entities user_id={demo.Users[0]},{demo.Users[1]}    (from another terminal)");
        output.WriteLine($"  ./fstore features show --as-of {time.GetUtcNow():yyyy-MM-dd} --user {demo.Users[0]}{demo.Where}");
        output.WriteLine($"  ./fstore verify parity{demo.Where}");
        if (report is not null)
        {
            output.WriteLine($"  ./fstore score --model {demo.Task!.Model} --entities user_id={demo.Users[0]},{demo.Users[1]}{demo.Where}");
            output.WriteLine($"  xdg-open {Path.GetRelativePath(Directory.GetCurrentDirectory(), report)}    (what the model is worth)");
        }
    }
}
