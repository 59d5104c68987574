using System.CommandLine;
using System.Globalization;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Registry.Definitions;
using FeatureStore.Scoring.Store;
using FeatureStore.Training;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore train</c>: trains a model on a data set, measures it on its last rows, and keeps it.</summary>
internal static class TrainVerb
{
    private const int RoundsMax = 10_000;
    private const int DepthMax = 20;

    private static readonly Option<string> DataSet = new("--dataset") { Description = "A .parquet or .csv (.gz) file, or a folder: what get-historical-features wrote.", Required = true };
    private static readonly Option<string> Label = new("--label") { Description = "The column to predict.", Required = true };
    private static readonly Option<string> Task = new("--task") { Description = "binary: labels are 0 and 1. regression: a number.", Required = true };
    private static readonly Option<string> Model = new("--model") { Description = "Name of the model to keep it under.", Required = true };
    private static readonly Option<string?> Service = new("--feature-service") { Description = "The service whose features are trained on; left out, the one of the data set's manifest." };
    private static readonly Option<string?> Features = new("--features") { Description = "Some of its features: a,b,c. Left out, all that are numbers." };
    private static readonly Option<string?> Time = new("--time-column") { Description = "The labels' column of times, if it is not event_timestamp." };
    private static readonly Option<string?> Keys = new("--keys") { Description = "Columns that tell the entities apart; left out, the join keys. For the baseline of an entity's own past." };
    private static readonly Option<string?> TestFrom = new("--test-from") { Description = "Rows from this time on are the test." };
    private static readonly Option<double> TestShare = new("--test-share") { Description = "Or the last rows, this share of all.", DefaultValueFactory = _ => 0.3 };
    private static readonly Option<string?> LabelWindow = new("--label-window") { Description = "How long after its time a label is known: 7d. Training rows whose label reaches into the test are left out." };
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Trees.", DefaultValueFactory = _ => 100 };
    private static readonly Option<int> Depth = new("--max-depth") { Description = "Splits from root to leaf.", DefaultValueFactory = _ => 4 };
    private static readonly Option<double> Rate = new("--learning-rate") { Description = "Weight of a tree.", DefaultValueFactory = _ => 0.08 };
    private static readonly Option<int> ChildWeight = new("--min-child-weight") { Description = "Least weight of a leaf.", DefaultValueFactory = _ => 10 };
    private static readonly Option<int> Seed = new("--seed") { Description = "Of whatever is drawn.", DefaultValueFactory = _ => 7 };
    private static readonly Option<bool> Promote = new("--promote") { Description = "Make it live at once." };

    public static Command Create()
    {
        Task.AcceptOnlyFromAmong("binary", "regression");
        var command = new Command(
            "train",
            "Train gradient-boosted trees on a data set, split by time, and keep the model with its report. Example: fstore train --dataset loans.parquet --label trouble --task binary --model trouble --label-window 30d")
        {
            DataSet, Label, Task, Model, Service, Features, Time, Keys, TestFrom, TestShare, LabelWindow, Rounds, Depth, Rate, ChildWeight, Seed, Promote,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var repo = GlobalOptions.Repo(parsed);
            var trained = new ModelTraining(repo).Run(Order(parsed), cancellationToken);
            if (parsed.GetValue(Promote))
            {
                ScoringSettings.Models(repo).Promote(trained.Manifest.Name, trained.Manifest.Version, ServedFeatures.Of(repo.Snapshot(), trained.Manifest.FeatureService).Fingerprint);
            }

            Print(parsed, trained);
            return System.Threading.Tasks.Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

    private static TrainingOrder Order(ParseResult parsed)
    {
        CheckRanges(parsed);
        var window = parsed.GetValue(LabelWindow) is not { } text ? TimeSpan.Zero
            : DurationText.TryParse(text, out var duration) ? duration
            : throw new UsageException($"--label-window is '{text}'; write {DurationText.Form}.");
        DateTimeOffset? testFrom = parsed.GetValue(TestFrom) is { } time ? Instant.Parse(time) : null;
        return new TrainingOrder(
            parsed.GetValue(DataSet)!,
            parsed.GetValue(Model)!,
            parsed.GetValue(Label)!,
            parsed.GetValue(Task) == "binary" ? TrainingTask.Binary : TrainingTask.Regression,
            parsed.GetValue(Service),
            List(parsed.GetValue(Features)),
            List(parsed.GetValue(Keys)),
            parsed.GetValue(Time),
            options => options with
            {
                TestFrom = testFrom,
                TestShare = parsed.GetValue(TestShare),
                LabelWindow = window,
                Rounds = parsed.GetValue(Rounds),
                MaxDepth = parsed.GetValue(Depth),
                LearningRate = parsed.GetValue(Rate),
                MinChildWeight = parsed.GetValue(ChildWeight),
                Seed = parsed.GetValue(Seed),
            });
    }

    private static void CheckRanges(ParseResult parsed)
    {
        if (parsed.GetValue(TestShare) is not (> 0 and < 1) || parsed.GetValue(Rate) is not (> 0 and <= 1))
        {
            throw new UsageException("--test-share takes a number between 0 and 1, --learning-rate one above 0 and up to 1.");
        }

        if (parsed.GetValue(Rounds) is < 1 or > RoundsMax || parsed.GetValue(Depth) is < 1 or > DepthMax || parsed.GetValue(ChildWeight) < 0)
        {
            throw new UsageException($"--rounds takes 1 to {RoundsMax:N0}, --max-depth 1 to {DepthMax}, --min-child-weight 0 or more.");
        }
    }

    private static string[] List(string? text) => text?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    private static void Print(ParseResult parsed, TrainedModel trained)
    {
        var (manifest, result) = (trained.Manifest, trained.Result);
        if (parsed.GetValue(GlobalOptions.Json))
        {
            Answer.Object(json: true, string.Empty, new { manifest, report = trained.ReportPath, left_out = trained.LeftOut, live = parsed.GetValue(Promote) });
            return;
        }

        if (trained.LeftOut.Count > 0)
        {
            Console.Error.WriteLine($"not trained on: {string.Join(", ", trained.LeftOut)}");
        }

        Answer.Rows(
            json: false,
            ["on the test rows", .. result.Contenders[0].Figures.Select(f => f.Name)],
            result.Contenders.Select(c => (IReadOnlyList<object?>)[c.Name, .. c.Figures.Select(f => f.Value?.ToString("0.####", CultureInfo.InvariantCulture))]));
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{manifest.Name} {manifest.Version}: trained on {result.TrainRows:N0} rows, tested on the {result.TestRows:N0} after them; SHA-256 {manifest.Model.Sha256}"));
        Console.Out.WriteLine($"Report: {trained.ReportPath}");
        Console.Out.WriteLine(parsed.GetValue(Promote)
            ? $"It is live: fstore score --model {manifest.Name} --entities …"
            : $"Next: fstore models promote {manifest.Name} {manifest.Version}");
    }
}
