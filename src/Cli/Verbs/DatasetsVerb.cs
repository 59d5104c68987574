using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FeatureStore.Cli.Output;
using FeatureStore.OfflineStore.DataSets;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore datasets</c>: what training sets there are, what is in them, and whether they are whole.</summary>
internal static class DatasetsVerb
{
    private static readonly Argument<string> Path = new("path") { Description = "The data set: its file or folder, or its manifest." };

    public static Command Create() => new("datasets", "Look at training sets that get-historical-features wrote.") { List(), Show(), Verify() };

    private static Command List()
    {
        var folder = new Argument<string>("folder") { Description = "Where to look; left out, this folder and those below.", DefaultValueFactory = _ => "." };
        var command = new Command("list", "List data sets. Example: fstore datasets list training") { folder };
        command.SetAction(parsed =>
        {
            var root = System.IO.Path.GetFullPath(parsed.GetValue(folder)!);
            var rows = DataSetTarget.Below(root).Select(t => (Target: t, Manifest: DataSetManifest.Read(t.ManifestPath))).Select(d => (IReadOnlyList<object?>)
            [
                System.IO.Path.GetRelativePath(root, d.Target.Path),
                d.Manifest.Rows,
                d.Manifest.Columns.Count(c => c.From != "label"),
                d.Manifest.Query.FeatureService ?? string.Join(',', d.Manifest.Query.Features),
                d.Manifest.Query.KnownTime,
                d.Manifest.Query.WindowAt,
                d.Manifest.Sha256[..12],
            ]);
            Answer.Rows(parsed.GetValue(GlobalOptions.Json), ["path", "rows", "features", "asked_for", "known_time", "window_at", "sha256"], rows);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Show()
    {
        var command = new Command("show", "Show how a data set came to be, and what is in its columns. Example: fstore datasets show loans.parquet") { Path };
        command.SetAction(parsed =>
        {
            var target = DataSetTarget.Existing(parsed.GetValue(Path)!);
            var manifest = DataSetManifest.Read(target.ManifestPath);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                using var json = JsonDocument.Parse(manifest.ToJson());
                Console.Out.WriteLine(JsonSerializer.Serialize(json.RootElement, Answer.JsonFormat));
                return ExitCodes.Ok;
            }

            var query = manifest.Query;
            Console.Out.WriteLine(string.Join(
                Environment.NewLine,
                string.Create(CultureInfo.InvariantCulture, $"{target.Path}: {manifest.Rows:N0} rows, SHA-256 {manifest.Sha256}"),
                $"  labels       {query.Labels ?? query.LabelsSql}; time {query.TimeColumn}",
                $"  features     {query.FeatureService ?? string.Join(", ", query.Features)}; definitions {manifest.Definitions[..12]}",
                string.Create(CultureInfo.InvariantCulture, $"  rules        policy {query.Policy}, known time {query.KnownTime}, available after {query.AvailableAfterSeconds} s, windows at {query.WindowAt}"),
                $"  tables       {string.Join(", ", manifest.Tables.Select(t => t.Version is { } v ? $"{t.Path} at version {v}" : $"{t.Path} ({t.FileCount} plain files)"))}",
                string.Create(CultureInfo.InvariantCulture, $"  leakage      {manifest.Leakage.Values:N0} values of {manifest.Leakage.Labels:N0} labels differ between known time and event time")));
            Answer.Rows(
                json: false,
                ["column", "type", "from", "null_rate", "min", "max", "mean"],
                manifest.Columns.Select(c => (IReadOnlyList<object?>)[c.Name, c.Type, c.From, c.NullRate.ToString("0.0000", CultureInfo.InvariantCulture), c.Min, c.Max, c.Mean?.ToString("G6", CultureInfo.InvariantCulture)]));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Verify()
    {
        var command = new Command("verify", "See that a data set's bytes are those that were written. Example: fstore datasets verify loans.parquet") { Path };
        command.SetAction(parsed =>
        {
            var target = DataSetTarget.Existing(parsed.GetValue(Path)!);
            var faults = DataSetCheck.Faults(target);
            Answer.Object(
                parsed.GetValue(GlobalOptions.Json),
                faults.Count == 0 ? $"{target.Path}: whole" : string.Join(Environment.NewLine, faults.Select(f => $"{target.Path}: {f}")),
                new { path = target.Path, whole = faults.Count == 0, faults });
            return faults.Count == 0 ? ExitCodes.Ok : ExitCodes.No;
        });
        return command;
    }
}
