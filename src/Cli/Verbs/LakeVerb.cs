using System.CommandLine;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OfflineStore.Lake.Tables;
using FeatureStore.OfflineStore.Lake.Upkeep;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore lake …</c>: what lies in the lake, as it is and as it was. The verbs that change it are in <see cref="LakeUpkeepVerbs"/>.</summary>
internal static class LakeVerb
{
    private const int CommitsMax = 100_000;
    private static readonly string[] TableColumns = ["path", "kind", "version", "files", "bytes", "rows", "partition_columns", "checkpoint", "fault"];
    private static readonly string[] HistoryColumns = ["version", "time", "operation", "engine", "files_added", "files_removed", "rows_added", "txn"];
    private static readonly string[] FileColumns = ["path", "bytes", "rows", "partition_values", "tags", "modified"];

    public static Command Create() => new("lake", "Look at the lake's Delta tables, and keep them in order.")
    {
        Tables(), History(), Files(), Rows(), LakeUpkeepVerbs.Compact(), LakeUpkeepVerbs.Vacuum(), LakeUpkeepVerbs.Check(),
    };

    /// <summary>A table as it is named on the command line: a path below the lake, or a whole one.</summary>
    public static LakePlace Root(Repo repo, string table) =>
        Path.IsPathRooted(repo.Config.LakePath) && repo.Lake.Below(table) is var root && root.Address.StartsWith(repo.Config.LakePath, StringComparison.Ordinal)
            ? Path.GetFullPath(table, repo.Config.LakePath)
            : repo.Lake.Below(table.TrimEnd('/'));

    private static Command Tables()
    {
        var command = new Command("tables", "Every table with its newest version. Example: fstore lake tables");
        command.SetAction((parsed, cancellationToken) =>
        {
            var tables = LakeFolder.Tables(GlobalOptions.Repo(parsed).Lake, cancellationToken);
            Answer.Rows(parsed.GetValue(GlobalOptions.Json), TableColumns, tables.Select(t => new object?[]
            {
                t.Path, t.Kind, t.Version, t.Files, t.Bytes, t.Rows, string.Join(", ", t.PartitionColumns), t.Checkpoint, t.Fault,
            }));
            return Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

    private static Command History()
    {
        var table = TableArgument();
        var limit = new Option<int>("--limit") { Description = $"The newest so many, at most {CommitsMax}.", DefaultValueFactory = _ => 20 };
        var command = new Command("history", "A table's commits, the newest first. Example: fstore lake history cdc/transactions") { table, limit };
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(limit) is < 1 or > CommitsMax)
            {
                throw new UsageException($"--limit takes a number from 1 to {CommitsMax}.");
            }

            var commits = TableHistory.Read(Root(GlobalOptions.Repo(parsed), parsed.GetValue(table)!), parsed.GetValue(limit), cancellationToken);
            Answer.Rows(parsed.GetValue(GlobalOptions.Json), HistoryColumns, commits.Select(c => new object?[]
            {
                c.Version, Instant.Text(c.Time), c.Operation, c.Engine, c.FilesAdded, c.FilesRemoved, c.RowsAdded, c.Txn,
            }));
            return Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

    private static Command Files()
    {
        var table = TableArgument();
        var (version, asOf) = VersionOptions();
        var command = new Command("files", "A version's data files. Example: fstore lake files cdc/transactions --as-of 2026-11-02") { table, version, asOf };
        command.SetAction((parsed, cancellationToken) =>
        {
            var (_, snapshot) = Read(parsed, table, version, asOf, cancellationToken);
            Answer.Rows(parsed.GetValue(GlobalOptions.Json), FileColumns, snapshot.Files.Values.OrderBy(f => f.Path, StringComparer.Ordinal).Select(f => new object?[]
            {
                f.Path, f.Size, f.Records, Pairs(f.PartitionValues.Select(p => (p.Key, p.Value ?? "null"))), Pairs(f.Tags.Select(t => (t.Key, t.Value))),
                Instant.Text(DateTimeOffset.FromUnixTimeMilliseconds(f.ModifiedMillis)),
            }));
            return Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

    private static Command Rows()
    {
        var table = TableArgument();
        var (version, asOf) = VersionOptions();
        var limit = new Option<int?>("--limit") { Description = "At most so many rows; all without it." };
        var command = new Command("rows", "A version's rows, one JSON object a line, in no order. Example: fstore lake rows cdc/transactions --version 3 --limit 10") { table, version, asOf, limit };
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(limit) < 1)
            {
                throw new UsageException("--limit takes a number from 1.");
            }

            var (read, snapshot) = Read(parsed, table, version, asOf, cancellationToken);
            foreach (var row in read.Rows(snapshot, parsed.GetValue(limit), cancellationToken))
            {
                Console.Out.WriteLine(row);
            }

            return Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

    private static (LakeTable Table, DeltaSnapshot Snapshot) Read(
        ParseResult parsed, Argument<string> table, Option<long?> version, Option<string?> asOf, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(version) is not null && parsed.GetValue(asOf) is not null)
        {
            throw new UsageException("--version and --as-of name two versions; give one of them.");
        }

        var repo = GlobalOptions.Repo(parsed);
        var read = new LakeTable(Root(repo, parsed.GetValue(table)!), LakeOptions.Read(repo.Config));
        return (read, read.Read(parsed.GetValue(version), parsed.GetValue(asOf) is { } text ? Instant.Parse(text) : null, cancellationToken));
    }

    private static Argument<string> TableArgument() => new("table") { Description = "Path below the lake's folder, as 'fstore lake tables' shows it, or a whole path." };

    private static (Option<long?> Version, Option<string?> AsOf) VersionOptions() =>
        (new Option<long?>("--version") { Description = "The table at this version; the newest without it." },
            new Option<string?>("--as-of") { Description = "The table as it was at this time." });

    private static string Pairs(IEnumerable<(string Name, string Value)> pairs) => string.Join(", ", pairs.Select(p => $"{p.Name}={p.Value}"));
}
