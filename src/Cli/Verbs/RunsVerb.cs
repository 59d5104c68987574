using System.CommandLine;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Jobs.Runs;
using FeatureStore.Jobs.Schedule;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore runs list</c>, <c>show ID</c>, <c>logs ID</c> and <c>clear ID</c>: what jobs and flows did.</summary>
internal static class RunsVerb
{
    private const int RunsMax = 1_000;
    private static readonly string[] Columns = ["id", "kind", "feature_view", "state", "start", "end", "started", "ended", "rows_read", "rows_written", "rows_skipped", "error"];

    public static Command Create() => new("runs", "The history of runs.") { List(), Show(), RunsVerbFlows.Logs(), RunsVerbFlows.Clear() };

    private static Command List()
    {
        var view = new Option<string?>("--feature-view") { Description = "Only runs of this view or flow." };
        var limit = new Option<int>("--limit") { Description = $"The newest so many, at most {RunsMax}.", DefaultValueFactory = _ => 20 };
        var command = new Command("list", "The newest first. Example: fstore runs list --feature-view user_transactions_l1w") { view, limit };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(limit) is < 1 or > RunsMax)
            {
                throw new UsageException($"--limit takes a number from 1 to {RunsMax}.");
            }

            var repo = GlobalOptions.Repo(parsed);
            using var file = RunFile.Open(repo.Config.RunsPath);
            var runs = new RunHistory(file, TimeProvider.System).List(repo.Config.Project, parsed.GetValue(view), parsed.GetValue(limit));
            Answer.Rows(parsed.GetValue(GlobalOptions.Json), Columns, runs.Select(Cells));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Show()
    {
        var id = new Argument<long>("id") { Description = "The run's number in the list." };
        var command = new Command("show", "Example: fstore runs show 3") { id };
        command.SetAction(parsed =>
        {
            var repo = GlobalOptions.Repo(parsed);
            using var file = RunFile.Open(repo.Config.RunsPath);
            if (new RunHistory(file, TimeProvider.System).Find(parsed.GetValue(id)) is not { } run || run.Project != repo.Config.Project)
            {
                Console.Error.WriteLine($"fstore: there is no run {parsed.GetValue(id)}; 'fstore runs list' shows those that there are.");
                return ExitCodes.No;
            }

            if (run.Kind == FlowHistory.Kind)
            {
                RunsVerbFlows.Show(repo, file, run.Id, parsed.GetValue(GlobalOptions.Json));
                return ExitCodes.Ok;
            }

            var cells = Cells(run);
            Answer.Object(
                parsed.GetValue(GlobalOptions.Json),
                string.Join(Environment.NewLine, Columns.Zip(cells).Select(c => $"{c.First,-14} {c.Second}")),
                Columns.Zip(cells).ToDictionary(c => c.First, c => c.Second));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static IReadOnlyList<object?> Cells(Run run) =>
    [
        run.Id, run.Kind, run.View, run.State.ToString().ToLowerInvariant(), Text(run.Start), Text(run.End), Text(run.Started), Text(run.Ended),
        run.RowsRead, run.RowsWritten, run.RowsSkipped, run.Error,
    ];

    private static string? Text(DateTimeOffset? time) => time is { } known ? Instant.Text(known) : null;
}
