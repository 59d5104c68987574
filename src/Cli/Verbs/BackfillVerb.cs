using System.CommandLine;
using System.Globalization;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Jobs.Runs;
using FeatureStore.Jobs.Schedule;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore backfill</c>: a flow's runs for each logical date of a range.</summary>
internal static class BackfillVerb
{
    private const int ListMax = 50;
    private static readonly string[] Columns = ["id", "flow", "from", "to", "again", "state"];

    public static Command Create()
    {
        var flow = new Option<string?>("--flow") { Description = "The flow's name." };
        var from = new Option<string?>("--from") { Description = "First logical date, inclusive." };
        var to = new Option<string?>("--to") { Description = "Last logical date, inclusive; intervals that have not ended are left out." };
        var again = new Option<bool>("--again") { Description = "Run dates that are done once more." };
        var estimate = new Option<bool>("--estimate") { Description = "Only say how many dates are to be run, and how long that takes by earlier runs." };
        var pause = new Option<long?>("--pause") { Description = "End this backfill after the date that is under way." };
        var resume = new Option<long?>("--resume") { Description = "Go on with this one." };
        var cancel = new Option<long?>("--cancel") { Description = "End this one for good." };
        var list = new Option<bool>("--list") { Description = "Show backfills." };
        var command = new Command("backfill", "Run a flow for past dates, oldest first; repeated, it goes on where it was. Example: fstore backfill --flow daily --from 2026-10-01 --to 2026-10-31")
        {
            flow, from, to, again, estimate, pause, resume, cancel, list,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (repo, json) = (GlobalOptions.Repo(parsed), parsed.GetValue(GlobalOptions.Json));
            var room = ScheduleSettings.Room(repo);
            using var file = RunFile.Open(repo.Config.RunsPath);
            var backfills = new Backfills(file, room.Project, room.Time);
            object?[] asked = [parsed.GetValue(flow), parsed.GetValue(pause), parsed.GetValue(resume), parsed.GetValue(cancel), parsed.GetValue(list) ? true : null];
            if (asked.Count(a => a is not null) != 1)
            {
                throw new UsageException("Give one of --flow NAME --from DATE --to DATE, --pause ID, --resume ID, --cancel ID, --list.");
            }

            if (parsed.GetValue(list))
            {
                Answer.Rows(json, Columns, backfills.List(ListMax).Select(Cells));
                return ExitCodes.Ok;
            }

            if ((parsed.GetValue(pause) ?? parsed.GetValue(cancel)) is { } id)
            {
                return Show(json, Change(backfills, id, parsed.GetValue(pause) is null ? BackfillState.Cancelled : BackfillState.Paused));
            }

            if (parsed.GetValue(resume) is { } resumed)
            {
                return await RunAsync(room, file, Change(backfills, resumed, BackfillState.Running), json, cancellationToken);
            }

            var (first, last) = (Time(parsed.GetValue(from), "--from"), Time(parsed.GetValue(to), "--to"));
            var declared = SchedulerVerb.Flow(room.Schedule, parsed.GetValue(flow)!);
            Check(declared, first, last, room.Time.GetUtcNow());
            return parsed.GetValue(estimate)
                ? Estimate(room, file, declared, (first, last, parsed.GetValue(again)), json)
                : await RunAsync(room, file, backfills.Begin(declared.Name, first, last, parsed.GetValue(again)), json, cancellationToken);
        });
        return command;
    }

    private static DateTimeOffset Time(string? text, string option) => Instant.Parse(text ?? throw new UsageException($"{option} is missing; write it as 2026-10-01."));

    private static void Check(Flow flow, DateTimeOffset first, DateTimeOffset last, DateTimeOffset now)
    {
        if (first > last)
        {
            throw new UsageException("--from lies after --to; swap them.");
        }

        try
        {
            if (BackfillRunner.Dates(flow, first, last, now).Count == 0)
            {
                throw new UsageException($"{flow.Name} has no ended data interval with a logical date from {Instant.Text(first)} to {Instant.Text(last)}.");
            }
        }
        catch (ArgumentOutOfRangeException)
        {
            throw new UsageException($"The range has more than {BackfillRunner.DatesMax:N0} dates of {flow.Name}; take a shorter one.");
        }
    }

    private static Backfill Change(Backfills backfills, long id, BackfillState state) => backfills.Change(id, state)
        ?? throw new UsageException(backfills.Find(id) is { } over
            ? $"Backfill {id} is {over.State.ToString().ToLowerInvariant()} already; begin a new one."
            : $"There is no backfill {id}; 'fstore backfill --list' shows those that there are.");

    private static int Estimate(FlowRoom room, RunFile file, Flow flow, (DateTimeOffset First, DateTimeOffset Last, bool Again) range, bool json)
    {
        var history = new FlowHistory(file, room.Project, room.Time);
        var dates = BackfillRunner.Dates(flow, range.First, range.Last, room.Time.GetUtcNow());
        var left = dates.Count(d => range.Again || history.Find(flow.Name, d.Start) is not { State: RunState.Done });
        var mean = history.MeanWork(flow.Name);
        var total = mean * left;
        Answer.Object(
            json,
            string.Create(CultureInfo.InvariantCulture, $"{left:N0} of {dates.Count:N0} dates are to be run; {(mean is { } each ? $"about {total!.Value.TotalSeconds:N0} s, at {each.TotalSeconds:0.0} s a date in earlier runs" : "no earlier run says how long that takes")}"),
            new { Flow = flow.Name, Dates = dates.Count, ToRun = left, SecondsPerDate = mean?.TotalSeconds, Seconds = total?.TotalSeconds });
        return ExitCodes.Ok;
    }

    private static async Task<int> RunAsync(FlowRoom room, RunFile file, Backfill backfill, bool json, CancellationToken cancellationToken)
    {
        var flow = SchedulerVerb.Flow(room.Schedule, backfill.Flow);
        await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"backfill {backfill.Id} of {flow.Name}"));
        var progress = new DatesProgress(room.Time);
        var state = await new BackfillRunner(room).RunAsync(flow, backfill, progress, cancellationToken);
        var backfillNow = new Backfills(file, room.Project, room.Time).Find(backfill.Id)! with { State = state };
        var code = Show(json, backfillNow, progress.Last);
        return state == BackfillState.Running ? ExitCodes.Outside : code;
    }

    private static int Show(bool json, Backfill backfill, BackfillProgress? counts = null)
    {
        var told = counts is { } c ? string.Create(CultureInfo.InvariantCulture, $": {c.Done:N0} dates done, {c.Skipped:N0} were done before, {c.Failed:N0} failed, of {c.Total:N0}") : string.Empty;
        Answer.Object(
            json,
            string.Create(CultureInfo.InvariantCulture, $"backfill {backfill.Id} of {backfill.Flow} is {backfill.State.ToString().ToLowerInvariant()}{told}"),
            new { backfill.Id, backfill.Flow, State = backfill.State.ToString().ToLowerInvariant(), counts?.Done, counts?.Skipped, counts?.Failed, counts?.Total });
        return backfill.State == BackfillState.Failed ? ExitCodes.No : ExitCodes.Ok;
    }

    private static IReadOnlyList<object?> Cells(Backfill b) =>
        [b.Id, b.Flow, Instant.Text(b.First), Instant.Text(b.Last), b.Again, b.State.ToString().ToLowerInvariant()];

    /// <summary>A line on the error stream after each date: how many are done, at which rate, and the time left.</summary>
    private sealed class DatesProgress(TimeProvider time) : IProgress<BackfillProgress>
    {
        private readonly long _started = time.GetTimestamp();

        public BackfillProgress? Last { get; private set; }

        public void Report(BackfillProgress value)
        {
            Last = value;
            var (run, elapsed) = (value.Done + value.Failed, time.GetElapsedTime(_started));
            var left = value.Total - run - value.Skipped;
            if (run > 0)
            {
                Console.Error.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{run + value.Skipped:N0} of {value.Total:N0} dates, {run / Math.Max(elapsed.TotalMinutes, 0.0001):0.0} a minute, {elapsed.TotalSeconds / run * left:0} s left"));
            }
        }
    }
}
