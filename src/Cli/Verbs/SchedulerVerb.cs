using System.CommandLine;
using System.Globalization;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Jobs.Runs;
using FeatureStore.Jobs.Schedule;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore scheduler</c>: runs flows at their times until told to stop; <c>status</c> and <c>trigger</c>.</summary>
internal static class SchedulerVerb
{
    private static readonly string[] FlowColumns = ["flow", "cron", "time_zone", "next", "data_interval_start", "queued", "running", "last_logical_date", "last_state"];
    private static readonly string[] PoolColumns = ["pool", "slots", "taken"];

    public static Command Create()
    {
        var command = new Command("scheduler", "Run flows at their times until told to stop. Example: fstore scheduler, and beside it fstore scheduler status") { Status(), Trigger() };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var repo = GlobalOptions.Repo(parsed);
            await new FlowScheduler(ScheduleSettings.Room(repo), ScheduleSettings.Store(repo.Config), Report).RunAsync(cancellationToken);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Report(string line) => Console.Error.WriteLine($"{Instant.Text(TimeProvider.System.GetUtcNow())} {line}");

    private static Command Status()
    {
        var command = new Command("status", "When flows run next, what runs now, and the pools. Example: fstore scheduler status");
        command.SetAction(parsed =>
        {
            var (repo, json) = (GlobalOptions.Repo(parsed), parsed.GetValue(GlobalOptions.Json));
            var schedule = ScheduleSettings.Schedule(repo.Config);
            var (project, now) = (repo.Config.Project, TimeProvider.System.GetUtcNow());
            using var file = RunFile.Open(repo.Config.RunsPath);
            var history = new FlowHistory(file, project, TimeProvider.System);
            var open = history.Open();
            Answer.Rows(json, FlowColumns, schedule.Flows.Select(f =>
            {
                var last = history.Last(f.Name);
                return (IReadOnlyList<object?>)
                [
                    f.Name, f.Calendar.Text, f.Calendar.Zone.Id, Text(f.Calendar.After(now)), Text(f.Calendar.AtOrBefore(now)),
                    open.Count(r => r.Flow == f.Name && r.State == RunState.Queued), open.Count(r => r.Flow == f.Name && r.State == RunState.Running),
                    Text(last?.Logical), last?.State.ToString().ToLowerInvariant(),
                ];
            }));
            Answer.Rows(json, PoolColumns, schedule.Pools.Select(p =>
                (IReadOnlyList<object?>)[p.Key, p.Value, FlowRoom.HeldSlots(file, project, p.Key, TimeProvider.System)]));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Trigger()
    {
        var name = new Argument<string>("flow") { Description = "The flow's name." };
        var command = new Command("trigger", "Queue a run of a flow for its last ended data interval; a scheduler carries it out. Example: fstore scheduler trigger daily") { name };
        command.SetAction(parsed =>
        {
            var repo = GlobalOptions.Repo(parsed);
            var flow = Flow(ScheduleSettings.Schedule(repo.Config), parsed.GetValue(name)!);
            var now = DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
            var interval = flow.Calendar.LastEnded(now) ?? throw new UsageException($"No data interval of {flow.Name} has ended yet.");
            using var file = RunFile.Open(repo.Config.RunsPath);
            var id = new FlowHistory(file, repo.Config.Project, TimeProvider.System).Queue(flow.Name, now, interval, "trigger");
            Answer.Object(
                parsed.GetValue(GlobalOptions.Json),
                string.Create(CultureInfo.InvariantCulture, $"run {id} of {flow.Name} is queued for {Instant.Text(interval.Start)} to {Instant.Text(interval.End)}; 'fstore runs show {id}' follows it"),
                new { Run = id, Flow = flow.Name, LogicalDate = Instant.Text(now), interval.Start, interval.End });
            return ExitCodes.Ok;
        });
        return command;
    }

    public static Flow Flow(FlowSchedule schedule, string name) => schedule.Find(name)
        ?? throw new UsageException($"There is no flow '{name}'; there are {string.Join(", ", schedule.Flows.Select(f => f.Name))}.");

    private static string? Text(DateTimeOffset? time) => time is { } known ? Instant.Text(known) : null;
}
