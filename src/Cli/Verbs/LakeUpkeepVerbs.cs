using System.CommandLine;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Upkeep;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore lake compact</c>, <c>vacuum</c> and <c>check</c>; without a table each goes over the whole lake.</summary>
internal static class LakeUpkeepVerbs
{
    private const long BytesPerMiB = 1L << 20;
    private static readonly string[] CompactColumns = ["path", "files_removed", "files_added", "bytes_removed", "bytes_added", "commits"];
    private static readonly string[] VacuumColumns = ["path", "files", "bytes", "uploads", "retention_hours"];
    private static readonly string[] FaultColumns = ["table", "fault", "path", "detail"];

    public static Command Compact()
    {
        var table = OptionalTable();
        var target = new Option<int>("--target-mib") { Description = "Files are made up to this size, MiB.", DefaultValueFactory = _ => (int)(Compactor.TargetBytesDefault / BytesPerMiB) };
        var command = new Command("compact", "Make few files of many in change tables, while others read and write. Example: fstore lake compact cdc/transactions") { table, target };
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(target) < 1)
            {
                throw new UsageException("--target-mib takes a number from 1.");
            }

            var repo = GlobalOptions.Repo(parsed);
            var options = LakeOptions.Read(repo.Config);
            var results = Named(repo, parsed.GetValue(table), t => t.Kind == "change", cancellationToken)
                .Select(path => (Path: path, Done: new Compactor(LakeVerb.Root(repo, path), options).Run(parsed.GetValue(target) * BytesPerMiB, cancellationToken)));
            Answer.Rows(parsed.GetValue(GlobalOptions.Json), CompactColumns, results.Select(r => new object?[]
            {
                r.Path, r.Done.FilesRemoved, r.Done.FilesAdded, r.Done.BytesRemoved, r.Done.BytesAdded, r.Done.Commits,
            }));
            return Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

    public static Command Vacuum()
    {
        var table = OptionalTable();
        var retention = new Option<double?>("--retention-hours") { Description = "How long files stay after the commit that took them out; a week where the table does not say." };
        var isShort = new Option<bool>("--allow-short-retention") { Description = "Take a retention below the table's own. Only when nothing else uses the table." };
        var isDry = new Option<bool>("--dry-run") { Description = "Tell what would go, and delete nothing." };
        var command = new Command("vacuum", "Delete files that no version within the retention names, and what broken runs left. Example: fstore lake vacuum --dry-run") { table, retention, isShort, isDry };
        command.SetAction((parsed, cancellationToken) =>
        {
            TimeSpan? kept = parsed.GetValue(retention) switch
            {
                null => null,
                { } hours and >= 0 and < 1_000_000 => TimeSpan.FromHours(hours),
                _ => throw new UsageException("--retention-hours takes a number from 0."),
            };
            var repo = GlobalOptions.Repo(parsed);
            var results = Named(repo, parsed.GetValue(table), t => t.Fault is null, cancellationToken)
                .Select(path => (Path: path, Done: new Vacuum(LakeVerb.Root(repo, path)).Run(kept, parsed.GetValue(isShort), parsed.GetValue(isDry), cancellationToken)));
            Answer.Rows(parsed.GetValue(GlobalOptions.Json), VacuumColumns, results.Select(r => new object?[]
            {
                r.Path, r.Done.Paths.Count, r.Done.Bytes, r.Done.Uploads.Count, r.Done.Retention.TotalHours,
            }));
            return Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

    public static Command Check()
    {
        var table = OptionalTable();
        var command = new Command("check", "Compare the log with what lies in the folder; exit code 1 where they differ. Example: fstore lake check") { table };
        command.SetAction((parsed, cancellationToken) =>
        {
            var repo = GlobalOptions.Repo(parsed);
            var options = LakeOptions.Read(repo.Config);
            var json = parsed.GetValue(GlobalOptions.Json);
            var results = Named(repo, parsed.GetValue(table), _ => true, cancellationToken)
                .Select(path => (Path: path, Found: new TableCheck(LakeVerb.Root(repo, path), options).Run(cancellationToken))).ToList();
            var faults = results.SelectMany(r => r.Found.Faults.Select(f => new object?[] { r.Path, f.What, f.Path, f.Detail })).ToList();
            if (json || faults.Count > 0)
            {
                Answer.Rows(json, FaultColumns, faults);
            }
            else
            {
                Console.Out.WriteLine($"{results.Count} tables, {results.Sum(r => r.Found.Files):N0} files: all is as the logs say");
            }

            return Task.FromResult(faults.Count == 0 ? ExitCodes.Ok : ExitCodes.No);
        });
        return command;
    }

    private static Argument<string?> OptionalTable() =>
        new("table") { Description = "Path below the lake's folder, or a whole path; all tables without it.", Arity = ArgumentArity.ZeroOrOne };

    private static List<string> Named(Repo repo, string? table, Func<LakeTableInfo, bool> isMeant, CancellationToken cancellationToken) =>
        table is not null ? [table] : [.. LakeFolder.Tables(repo.Lake, cancellationToken).Where(isMeant).Select(t => t.Path)];
}
