using System.CommandLine;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Jobs;
using FeatureStore.Jobs.Materialize;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore materialize START END</c> and <c>materialize-incremental END</c>, as Feast has them.</summary>
internal static class MaterializeVerb
{
    public static Command Create()
    {
        var start = new Argument<string>("start") { Description = "First event time, inclusive." };
        var end = new Argument<string>("end") { Description = "Last event time, inclusive." };
        var views = Views();
        var overwrite = new Option<long?>("--overwrite-from-version")
        {
            Description = "Only entities with a row added to the lake table after this version, in place of whatever is stored, however new: for corrected history. 'fstore lake history' lists versions.",
        };
        var command = new Command("materialize", "Example: fstore materialize 2026-01-01 2026-11-02") { start, end, views, overwrite };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed,
            parsed.GetValue(views),
            (_, _) => MaterializeRange.Between(Instant.Parse(parsed.GetValue(start)!), Instant.Parse(parsed.GetValue(end)!), TimeProvider.System.GetUtcNow()),
            parsed.GetValue(overwrite) is { } since
                ? (pipeline, view, range, progress) => pipeline.OverwriteAsync(view, range, since, progress, cancellationToken)
                : (pipeline, view, range, progress) => pipeline.MaterializeAsync(view, range, isIncremental: false, progress, cancellationToken)));
        return command;
    }

    public static Command CreateIncremental()
    {
        var end = new Argument<string>("end") { Description = "Last event time, inclusive." };
        var views = Views();
        var command = new Command("materialize-incremental", "Example: fstore materialize-incremental 2026-11-02") { end, views };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed,
            parsed.GetValue(views),
            (repo, view) => MaterializeRange.Incremental(
                repo.Registry().LatestEnd(repo.Config.Project, view.Name), view.Ttl, Instant.Parse(parsed.GetValue(end)!), TimeProvider.System.GetUtcNow()),
            (pipeline, view, range, progress) => pipeline.MaterializeAsync(view, range, isIncremental: true, progress, cancellationToken)));
        return command;
    }

    public static Option<string[]?> Views() => new("--views", "-v") { Description = "Only these feature views.", AllowMultipleArgumentsPerToken = true };

    /// <summary>The views named, or all that can be materialised; those that cannot are told.</summary>
    public static async Task<IReadOnlyList<FeatureViewModel>> ReadyAsync(ParseResult parsed, Pipeline pipeline, string[]? names)
    {
        var snapshot = GlobalOptions.Repo(parsed).Snapshot();
        var ready = pipeline.Materializable(snapshot);
        if (names is { Length: > 0 })
        {
            var missing = names.Except(ready.Select(v => v.Name)).ToArray();
            ready = missing.Length == 0
                ? [.. ready.Where(v => names.Contains(v.Name))]
                : throw new UsageException($"{string.Join(", ", missing)}: no such online view, or its table is not in the lake yet.");
        }

        foreach (var view in snapshot.FeatureViews.Values.Where(v => names is not { Length: > 0 } && v.Online && !ready.Contains(v)))
        {
            await Console.Error.WriteLineAsync($"{view.Name}: left out, its table {view.Source.Path} is not in the lake yet.");
        }

        return ready;
    }

    private static async Task<int> RunAsync(
        ParseResult parsed,
        string[]? names,
        Func<Repo, FeatureViewModel, MaterializeRange> range,
        Func<Pipeline, FeatureViewModel, MaterializeRange, IProgress<Amount>, Task<MaterializeCounts>> run)
    {
        JobThreads.SleepAtOnce();
        var repo = GlobalOptions.Repo(parsed);
        var pipeline = new Pipeline(repo);
        foreach (var view in await ReadyAsync(parsed, pipeline, names))
        {
            var taken = range(repo, view);
            var counts = await StepReport.ShowAsync(view.Name, progress => run(pipeline, view, taken, progress));
            Answer.Object(
                parsed.GetValue(GlobalOptions.Json),
                $"{view.Name}: {counts.Written:N0} rows written, {counts.Skipped:N0} older than the store's, from {Instant.Text(taken.Start)} to {Instant.Text(taken.End)}",
                new { FeatureView = view.Name, counts.Read, counts.Written, counts.Skipped, taken.Start, taken.End });
        }

        return ExitCodes.Ok;
    }
}
