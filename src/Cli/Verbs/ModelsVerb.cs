using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Scoring.Scores;
using FeatureStore.Scoring.Store;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore models</c>: keep versions of models, and say which one scores.</summary>
internal static class ModelsVerb
{
    private static readonly Argument<string> Name = new("name") { Description = "Name of the model." };

    public static Command Create() => new("models", "Keep models beside the features that they were trained on.") { Add(), List(), Show(), Promote(), Rollback() };

    private static Command Add()
    {
        var path = new Argument<string>("path") { Description = "An ONNX file (ML.NET: ConvertToOnnx), XGBoost's .json or .ubj, or LightGBM's .txt." };
        var service = new Option<string>("--feature-service") { Description = "The service whose features it was trained on.", Required = true };
        var version = new Option<string?>("--model-version") { Description = "Its version; left out, the next number." };
        var fingerprint = new Option<string?>("--fingerprint") { Description = "Fingerprint of the definitions at training; left out, that of today's registry." };
        var features = new Option<string?>("--features") { Description = "The features in the order of its vector: a,b,c. Left out, the file's own names, else the service's order." };
        var missing = new Option<MissingPolicy>("--missing") { Description = "What to score where a feature has no value.", DefaultValueFactory = _ => MissingPolicy.Refuse };
        var defaults = new Option<string[]>("--default") { Description = "Value for an absent feature: feature=value. May be repeated." };
        var unused = new Option<string[]>("--unused-input") { Description = "An input that no feature feeds, such as the label." };
        var outputs = new Option<string[]>("--output") { Description = "An output to give; left out, all that are scores." };
        var training = new Option<string?>("--training") { Description = "A JSON file that tells how it was trained; kept as it is." };
        var metrics = new Option<string[]>("--metric") { Description = "A figure of its test: auc=0.7135. May be repeated." };
        var command = new Command("add", "Check a model and keep it. Example: fstore models add fraud model.onnx --feature-service fraud_v1")
        {
            Name, path, service, version, fingerprint, features, missing, defaults, unused, outputs, training, metrics,
        };
        command.SetAction(parsed =>
        {
            var repo = GlobalOptions.Repo(parsed);
            var served = ServedFeatures.Of(repo.Snapshot(), parsed.GetValue(service)!);
            var plan = new ScoringPlan
            {
                Features = parsed.GetValue(features)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [],
                Missing = parsed.GetValue(missing),
                Defaults = Pairs("--default", parsed.GetValue(defaults)),
                UnusedInputs = parsed.GetValue(unused) ?? [],
                Outputs = parsed.GetValue(outputs) ?? [],
            };
            var added = Store(repo).Add(new ModelSubmission(parsed.GetValue(Name)!, parsed.GetValue(path)!, parsed.GetValue(service)!, parsed.GetValue(fingerprint) ?? served.Fingerprint)
            {
                Version = parsed.GetValue(version),
                Plan = plan,
                ServedFeatures = served.Features,
                Training = parsed.GetValue(training) is { } file ? Training(file) : null,
                Metrics = Pairs("--metric", parsed.GetValue(metrics)).ToDictionary(m => m.Key, m => Number(m.Value)),
            });
            Print(parsed, added, $"{added.Name} {added.Version} added, SHA-256 {added.Model.Sha256}. Next: fstore models promote {added.Name} {added.Version}");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command List()
    {
        var name = new Argument<string?>("name") { Description = "One model; left out, all.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("list", "List versions, and which one is live. Example: fstore models list") { name };
        command.SetAction(parsed =>
        {
            var listings = Store(GlobalOptions.Repo(parsed)).List(parsed.GetValue(name));
            Answer.Rows(
                parsed.GetValue(GlobalOptions.Json),
                ["name", "version", "live", "feature_service", "created", "sha256"],
                listings.Select(l => (IReadOnlyList<object?>)[l.Manifest.Name, l.Manifest.Version, l.IsLive, l.Manifest.FeatureService, l.Manifest.Created.ToString("u", CultureInfo.InvariantCulture), l.Manifest.Model.Sha256]));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Show()
    {
        var version = new Argument<string?>("model-version") { Description = "A version; left out, the live one.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("show", "Show everything known of a version. Example: fstore models show fraud 3") { Name, version };
        command.SetAction(parsed =>
        {
            var shown = Store(GlobalOptions.Repo(parsed)).Show(parsed.GetValue(Name)!, parsed.GetValue(version));
            Print(parsed, shown, string.Join(
                Environment.NewLine,
                $"{shown.Name} {shown.Version}, added {shown.Created:u} from {shown.SourceFormat}",
                $"  feature service  {shown.FeatureService}, fingerprint {shown.Fingerprint}",
                $"  features         {string.Join(", ", shown.Plan.Features)}; absent: {shown.Plan.Missing}",
                $"  inputs           {string.Join("; ", shown.Inputs)}",
                $"  outputs          {string.Join(", ", shown.Outputs)}",
                $"  metrics          {string.Join(", ", shown.Metrics.Select(m => string.Create(CultureInfo.InvariantCulture, $"{m.Key} {m.Value}")))}",
                $"  SHA-256          {shown.Model.Sha256} ({shown.Model.Bytes:N0} bytes), source {shown.SourceSha256}",
                $"  training         {(shown.Training is { } training ? training.GetRawText() : "not told")}"));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Promote()
    {
        var version = new Argument<string>("model-version") { Description = "The version that shall score." };
        var command = new Command("promote", "Make a version live, after it was loaded and run once. Example: fstore models promote fraud 3") { Name, version };
        command.SetAction(parsed =>
        {
            var repo = GlobalOptions.Repo(parsed);
            var store = Store(repo);
            var wanted = store.Show(parsed.GetValue(Name)!, parsed.GetValue(version));
            var live = store.Promote(wanted.Name, wanted.Version, ServedFeatures.Of(repo.Snapshot(), wanted.FeatureService).Fingerprint);
            Print(parsed, live, $"{live.Name} {live.Version} is live.");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Rollback()
    {
        var command = new Command("rollback", "Make the version live that was so before. Example: fstore models rollback fraud") { Name };
        command.SetAction(parsed =>
        {
            var repo = GlobalOptions.Repo(parsed);
            var snapshot = repo.Snapshot();
            var live = Store(repo).Rollback(parsed.GetValue(Name)!, service => ServedFeatures.Of(snapshot, service).Fingerprint);
            Print(parsed, live, $"{live.Name} {live.Version} is live again.");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static ModelStore Store(Repo repo) => ScoringSettings.Models(repo);

    private static void Print(ParseResult parsed, ModelManifest manifest, string text) => Answer.Object(parsed.GetValue(GlobalOptions.Json), text, manifest);

    private static Dictionary<string, string> Pairs(string option, string[]? texts)
    {
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in texts ?? [])
        {
            var parts = text.Split('=', 2);
            if (parts.Length != 2 || parts[0].Length == 0 || !pairs.TryAdd(parts[0], parts[1]))
            {
                throw new UsageException($"{option} is '{text}'; write name=value, each name once.");
            }
        }

        return pairs;
    }

    private static double Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : throw new UsageException($"--metric has the value '{text}', which is no number.");

    private static JsonElement Training(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new UsageException($"--training names '{path}', which is no JSON: {e.Message}");
        }
    }
}
