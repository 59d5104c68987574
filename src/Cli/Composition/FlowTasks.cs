using System.Globalization;
using FeatureStore.Cli.Verbs;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Values;
using FeatureStore.DuckDb;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Import;
using FeatureStore.Jobs.Materialize;
using FeatureStore.Jobs.Schedule;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Cli.Composition;

/// <summary>What the steps of flows do: the same methods of <see cref="Pipeline"/> that the verbs call, for a data interval.</summary>
internal sealed class FlowTasks(Repo repo, TimeProvider time) : IFlowTasks
{
    private const int DaysPerWeek = 7;

    /// <summary>The tasks that a step may name.</summary>
    public static IReadOnlyList<string> Names { get; } = ["generate", "capture", "ingest", "compute", "materialize", "verify"];

    /// <summary>The <c>with</c> of a step, refused where its task would not understand it.</summary>
    public static IReadOnlyDictionary<string, object?> Checked(string task, SettingBlock with)
    {
        switch (task)
        {
            case "generate":
                Generated(with, default);
                break;
            case "compute":
                with.Flag("touched", true);
                break;
            default:
                break;
        }

        with.RejectUnread();
        return with.Keys.ToDictionary(k => k, with.Value);
    }

    /// <inheritdoc/>
    public async Task<string> RunAsync(TaskCall call, CancellationToken cancellationToken)
    {
        try
        {
            return call.Task switch
            {
                "generate" => Generate(call, cancellationToken),
                "capture" => await CaptureAsync(cancellationToken),
                "ingest" => Ingest(call, cancellationToken),
                "compute" => Compute(call, cancellationToken),
                "materialize" => await MaterializeAsync(call, cancellationToken),
                "verify" => await VerifyAsync(call, cancellationToken),
                _ => throw new UsageException($"There is no task '{call.Task}'."),
            };
        }
        catch (Exception e) when (e is not (OperationCanceledException or StepFailedException) && IsOurs(e))
        {
            throw new StepFailedException(e.Message, e is UsageException or DefinitionException, e);
        }
    }

    // Messages of our own exceptions name files and ways out; those of these three may repeat an entity's values.
    private static bool IsOurs(Exception e) => e is not (EntityKeyException or EntityValueException or DuckDbException) && e.GetType().Namespace?.StartsWith("FeatureStore.", StringComparison.Ordinal) == true;

    private static GenerateOptions Generated(SettingBlock with, DataInterval interval) => new(
        with.Number("users", 10_000, 1, GenerateVerb.UsersMax),
        with.Number("days", 30, 1, GenerateVerb.DaysMax),
        with.Number("seed", 7, 0, int.MaxValue),
        with.Text("first_day") is { } day ? GenerateVerb.Day(day) : null,
        DateOnly.FromDateTime(interval.End.UtcDateTime));

    private string Generate(TaskCall call, CancellationToken cancellationToken)
    {
        using (var log = EmbeddedChangeLog.Open(repo.Config.LogPath))
        {
            // The customers of a bank are generated before its transactions.
            if (log.NextOffset(log.Topic(ImportTable.Transactions.Topic)) > 0 && log.Import(SyntheticFeed.ImportId(ImportTable.Customers)) is null)
            {
                throw new StepFailedException("The change log holds transactions that were not generated, and generated ones would mix with them; declare flows without 'generate' under fstore.jobs.", isFinal: true);
            }
        }

        return GenerateVerb.Text(new Pipeline(repo).Generate(Generated(new SettingBlock("with", call.With), call.Interval), null, cancellationToken));
    }

    private async Task<string> CaptureAsync(CancellationToken cancellationToken)
    {
        var result = await PostgresCapture.Open(repo).RunAsync(true, false, null, cancellationToken);
        return string.Create(CultureInfo.InvariantCulture, $"{result.Snapshot:N0} rows of a snapshot and {result.Changes:N0} changes landed");
    }

    private string Ingest(TaskCall call, CancellationToken cancellationToken)
    {
        var outcome = new Pipeline(repo).Ingest(null, cancellationToken);
        foreach (var (table, landed) in outcome.Tables)
        {
            call.Log($"{table}: {IngestVerb.Text(landed)}");
        }

        return string.Create(CultureInfo.InvariantCulture, $"{outcome.Tables.Sum(t => t.Landed.Rows):N0} rows landed");
    }

    // The Mondays that the interval brought; then what late changes touched of earlier ones.
    private string Compute(TaskCall call, CancellationToken cancellationToken)
    {
        var (pipeline, snapshot) = (new Pipeline(repo), repo.Snapshot());
        var times = new List<long>();
        for (var monday = Instant.MondayAtOrBefore(call.Interval.End); monday > call.Interval.Start; monday = monday.AddDays(-DaysPerWeek))
        {
            times.Insert(0, Instant.Micros(monday));
        }

        var rows = pipeline.Compute(snapshot, times, null, cancellationToken);
        var touched = 0L;
        if (new SettingBlock("with", call.With).Flag("touched", true))
        {
            foreach (var (view, result) in pipeline.ComputeTouched(snapshot, cancellationToken))
            {
                call.Log($"{view}: {result.Users} users touched in {result.Times} weeks");
                touched += result.RowsWritten;
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"{rows:N0} rows for {times.Count} Mondays, {touched:N0} rows for late changes");
    }

    private async Task<string> MaterializeAsync(TaskCall call, CancellationToken cancellationToken)
    {
        var pipeline = new Pipeline(repo);
        var (views, written) = (0, 0L);
        foreach (var view in pipeline.Materializable(repo.Snapshot()))
        {
            // A range that lies before what is materialised already is taken as it is: older rows lose to the store's.
            var (last, now) = (repo.Registry().LatestEnd(repo.Config.Project, view.Name), time.GetUtcNow());
            var isPast = last > call.Interval.End;
            var range = isPast ? MaterializeRange.Between(call.Interval.Start, call.Interval.End, now) : MaterializeRange.Incremental(last, view.Ttl, call.Interval.End, now);
            var counts = await pipeline.MaterializeAsync(view, range, !isPast, null, cancellationToken);
            call.Log(string.Create(CultureInfo.InvariantCulture, $"{view.Name}: {counts.Written:N0} rows written, {counts.Skipped:N0} older than the store's"));
            (views, written) = (views + 1, written + counts.Written);
        }

        return views > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{written:N0} rows of {views} views written")
            : throw new StepFailedException("No view's table is in the lake yet; run the flow that ingests first, and 'fstore apply'.", isFinal: false);
    }

    private async Task<string> VerifyAsync(TaskCall call, CancellationToken cancellationToken)
    {
        var pipeline = new Pipeline(repo);
        var (views, equal, total) = (0, 0L, 0L);
        var different = new List<string>();
        foreach (var view in pipeline.Materializable(repo.Snapshot()))
        {
            if (await pipeline.VerifyAsync(view, cancellationToken) is { } report)
            {
                call.Log(string.Create(CultureInfo.InvariantCulture, $"{view.Name}: {report.Equal:N0} of {report.Total:N0} equal, {report.Ahead:N0} ahead by push"));
                (views, equal, total) = (views + 1, equal + report.Equal, total + report.Total);
                if (!report.Passed)
                {
                    different.Add(view.Name);
                }
            }
        }

        return different.Count > 0 ? throw new StepFailedException($"The stores differ for {string.Join(", ", different)}; 'fstore verify parity' shows where.", isFinal: false)
            : views == 0 ? throw new StepFailedException("No view was materialised yet; run 'fstore materialize' first.", isFinal: false)
            : string.Create(CultureInfo.InvariantCulture, $"{equal:N0} of {total:N0} online rows equal the lake's");
    }
}
