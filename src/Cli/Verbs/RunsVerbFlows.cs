using System.CommandLine;
using System.Globalization;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Jobs.Runs;
using FeatureStore.Jobs.Schedule;

namespace FeatureStore.Cli.Verbs;

/// <summary>What <c>fstore runs</c> tells of a flow's run: its steps and attempts, its log; and <c>clear</c>.</summary>
internal static class RunsVerbFlows
{
    private static readonly string[] Columns = ["step", "attempt", "state", "started", "ended", "seconds", "retry_at", "note"];

    public static void Show(Repo repo, RunFile file, long id, bool json)
    {
        var history = new FlowHistory(file, repo.Config.Project, TimeProvider.System);
        var run = history.Find(id)!;
        Answer.Object(
            json,
            string.Create(CultureInfo.InvariantCulture, $"run {run.Id} of {run.Flow} ({run.Cause}), logical date {Instant.Text(run.Logical)}, data interval {Instant.Text(run.Interval.Start)} to {Instant.Text(run.Interval.End)}: {Text(run.State)}"),
            new
            {
                run.Id,
                run.Flow,
                run.Cause,
                LogicalDate = Instant.Text(run.Logical),
                Start = Instant.Text(run.Interval.Start),
                End = Instant.Text(run.Interval.End),
                State = Text(run.State),
                Started = Instant.Text(run.Started),
                Ended = Time(run.Ended),
                run.Backfill,
            });
        var attempts = history.Attempts(id);
        Answer.Rows(json, Columns, attempts.Select(a => (IReadOnlyList<object?>)
        [
            a.Step, a.Attempt, Text(a.State), Instant.Text(a.Started), Time(a.Ended), a.Ended is { } ended ? Math.Round((ended - a.Started).TotalSeconds, 3) : null, Time(a.RetryAt), a.Note,
        ]));
        if (ScheduleSettings.Schedule(repo.Config).Find(run.Flow) is { } flow)
        {
            var rest = FlowProgress.Of(flow, attempts, TimeProvider.System.GetUtcNow()).Where(s => s.Value is StepStanding.NotYet or StepStanding.UpstreamFailed or StepStanding.Ready);
            foreach (var (step, standing) in rest)
            {
                Answer.Object(json, $"{step}: {(standing == StepStanding.UpstreamFailed ? "a step before it failed" : "to come")}", new { step, state = standing == StepStanding.UpstreamFailed ? "upstream_failed" : "to_come" });
            }
        }
    }

    public static Command Logs()
    {
        var id = new Argument<long>("id") { Description = "The run's number in the list." };
        var command = new Command("logs", "The log of a flow's run. Example: fstore runs logs 3") { id };
        command.SetAction(parsed =>
        {
            var path = RunLog.PathOf(GlobalOptions.Repo(parsed).Config.RunsPath, parsed.GetValue(id));
            if (!File.Exists(path))
            {
                Console.Error.WriteLine($"fstore: run {parsed.GetValue(id)} has no log; only runs of flows have one, of the newest of them.");
                return ExitCodes.No;
            }

            foreach (var line in File.ReadLines(path))
            {
                Answer.Object(parsed.GetValue(GlobalOptions.Json), line, new { Line = line });
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    public static Command Clear()
    {
        var id = new Argument<long>("id") { Description = "The run's number in the list." };
        var all = new Option<bool>("--all") { Description = "Steps that are done too." };
        var command = new Command("clear", "Queue a flow's run again, at the steps that are not done. Example: fstore runs clear 3") { id, all };
        command.SetAction(parsed =>
        {
            var repo = GlobalOptions.Repo(parsed);
            using var file = RunFile.Open(repo.Config.RunsPath);
            var history = new FlowHistory(file, repo.Config.Project, TimeProvider.System);
            if (history.Find(parsed.GetValue(id)) is not { } run || !history.Clear(run.Id, !parsed.GetValue(all), null))
            {
                Console.Error.WriteLine($"fstore: {parsed.GetValue(id)} is no run of a flow, or it runs now.");
                return ExitCodes.No;
            }

            Answer.Object(parsed.GetValue(GlobalOptions.Json), $"run {run.Id} of {run.Flow} is queued again", new { Run = run.Id, run.Flow });
            return ExitCodes.Ok;
        });
        return command;
    }

    private static string Text(RunState state) => state.ToString().ToLowerInvariant();

    private static string? Time(DateTimeOffset? time) => time is { } known ? Instant.Text(known) : null;
}
