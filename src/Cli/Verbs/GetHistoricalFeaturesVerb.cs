using System.CommandLine;
using System.Globalization;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.OfflineStore.DataSets;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.PointInTime;
using FeatureStore.Registry.Definitions;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Scoring.Store;
using FeatureStore.Serving.Retrieval;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore get-historical-features</c>: writes a training set.</summary>
internal static class GetHistoricalFeaturesVerb
{
    private const string Feast = "feast";

    private static readonly Option<string?> Labels = new("--labels") { Description = "Parquet or CSV with the entities' columns and event_timestamp (UTC unless it names a zone); other columns are kept." };
    private static readonly Option<string?> LabelsSql = new("--labels-sql") { Description = "Or a query over files and the lake's tables, each named by its path: SELECT … FROM \"features/weekly\"." };
    private static readonly Option<string?> Features = new("--features") { Description = "References: view:feature,view:feature." };
    private static readonly Option<string?> Service = new("--feature-service") { Description = "Or a feature service." };
    private static readonly Option<string> Output = new("--output", "-o") { Description = "A .parquet or .csv file, or a folder: a Parquet file for each day of the labels.", Required = true };
    private static readonly Option<bool> FullNames = new("--full-feature-names") { Description = "Call columns view__feature." };
    private static readonly Option<string?> TimeColumn = new("--time-column") { Description = "The labels' column of times, if it is not event_timestamp." };
    private static readonly Option<string?> Policy = new("--policy") { Description = "strict, or feast: what Feast's DuckDB store gives. Left out, the repo's." };
    private static readonly Option<string?> Known = new("--known-time") { Description = "commit: a row counts from when it was known. event: from its event time, which leaks. Left out, commit; under policy feast, event." };
    private static readonly Option<string?> AvailableAfter = new("--available-after") { Description = "A row counts only this long after it was known: 2h, 1d." };
    private static readonly Option<string> Windows = new("--window-at") { Description = "snapshot: windows as they were computed, as serving has them. label: exactly up to each label's time.", DefaultValueFactory = _ => "snapshot" };
    private static readonly Option<string[]> AtVersion = new("--at-version") { Description = "Read a table as it was: features/weekly=12. May be repeated." };
    private static readonly Option<string?> Replay = new("--replay") { Description = "Make the data set of a manifest again, whatever arrived since; the bytes must be the same." };

    public static Command Create()
    {
        Policy.AcceptOnlyFromAmong("strict", Feast);
        Known.AcceptOnlyFromAmong("commit", "event");
        Windows.AcceptOnlyFromAmong("snapshot", "label");
        var command = new Command(
            "get-historical-features",
            "Write a training set: to each label the features known at its time. Example: fstore get-historical-features --labels loans.csv --feature-service fraud_v1 --output loans.parquet")
        {
            Labels, LabelsSql, Features, Service, Output, FullNames, TimeColumn, Policy, Known, AvailableAfter, Windows, AtVersion, Replay,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var repo = GlobalOptions.Repo(parsed);
            var snapshot = repo.Snapshot();
            var target = DataSetTarget.Of(parsed.GetValue(Output)!);
            var replayed = parsed.GetValue(Replay) is { } path ? DataSetReplay.Read(path) : null;
            var request = replayed is null ? Request(parsed, repo) : Replayed(parsed, replayed);
            var manifest = Run(repo, snapshot, request, target, cancellationToken);
            replayed?.EnsureSame(manifest, target);
            Print(parsed, manifest, target);
            return Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

    private static DataSetManifest Run(Repo repo, RegistrySnapshot snapshot, TrainingRequest request, DataSetTarget target, CancellationToken cancellationToken)
    {
        var progress = new ExportProgress(Console.Error, TimeProvider.System);
        return new TrainingExport(repo.Lake, LakeOptions.Read(repo.Config))
        {
            Progress = progress,
            ServingFingerprint = request.FeatureService is { } service && snapshot.FeatureServices.ContainsKey(service) ? ServedFeatures.Of(snapshot, service).Fingerprint : null,
        }.Run(snapshot, request, target, cancellationToken);
    }

    private static TrainingRequest Request(ParseResult parsed, Repo repo)
    {
        var (labels, sql, features, service) = (parsed.GetValue(Labels), parsed.GetValue(LabelsSql), parsed.GetValue(Features), parsed.GetValue(Service));
        if ((labels is null) == (sql is null))
        {
            throw new UsageException("Name either --labels FILE or --labels-sql QUERY.");
        }

        if ((features is null) == (service is null))
        {
            throw new UsageException("Name either --feature-service or --features.");
        }

        var asFeast = parsed.GetValue(Policy) is { } policy ? policy == Feast : !StatusPolicy.From(repo.Config).IsTruthful;
        var known = parsed.GetValue(Known) ?? (asFeast ? "event" : "commit");
        return new TrainingRequest(
            new LabelInput(labels, sql, parsed.GetValue(TimeColumn)),
            features?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [],
            service,
            parsed.GetValue(FullNames),
            new JoinRules(asFeast, known == "event" ? KnownTime.Event : KnownTime.Commit, After(parsed.GetValue(AvailableAfter)), parsed.GetValue(Windows) == "label" ? WindowAt.Label : WindowAt.Snapshot),
            Versions(parsed.GetValue(AtVersion) ?? []));
    }

    private static TrainingRequest Replayed(ParseResult parsed, DataSetReplay replay)
    {
        Option[] fixedByManifest = [LabelsSql, Features, Service, FullNames, TimeColumn, Policy, Known, AvailableAfter, Windows, AtVersion];
        return fixedByManifest.FirstOrDefault(o => parsed.GetResult(o) is { Implicit: false }) is { } given
            ? throw new UsageException($"--replay takes {given.Name} from the manifest; leave it out. Only --labels, where its file lies now, and --output can be given.")
            : replay.Request(parsed.GetValue(Labels));
    }

    private static TimeSpan After(string? text) =>
        text is null ? TimeSpan.Zero
        : DurationText.TryParse(text, out var after) ? after
        : throw new UsageException($"--available-after is '{text}'; write {DurationText.Form}.");

    private static Dictionary<string, long> Versions(string[] texts)
    {
        var versions = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var text in texts)
        {
            var at = text.LastIndexOf('=');
            if (at <= 0 || !long.TryParse(text.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var version) || !versions.TryAdd(text[..at], version))
            {
                throw new UsageException($"--at-version is '{text}'; write table=version, each table once: features/weekly=12.");
            }
        }

        return versions;
    }

    private static void Print(ParseResult parsed, DataSetManifest manifest, DataSetTarget target)
    {
        var leakage = manifest.Leakage;
        if (manifest.NaiveTimes > 0)
        {
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{manifest.NaiveTimes:N0} of {manifest.Rows:N0} label times name no zone; they are taken as UTC."));
        }

        var share = manifest.Rows == 0 ? 0 : 100.0 * leakage.Labels / manifest.Rows;
        Console.Error.WriteLine(leakage.Labels == 0
            ? "Leakage: none; a join on event time alone would give the same values."
            : string.Create(CultureInfo.InvariantCulture, $"Leakage: a join on event time alone {(manifest.Query.KnownTime == "commit" ? "would change" : "was asked for, and changed")} {leakage.Values:N0} values of {leakage.Labels:N0} labels ({share:0.0} %): {string.Join(", ", leakage.Views.Where(v => v.Labels > 0).Select(v => $"{v.View} {v.Labels}"))}."));
        var features = manifest.Columns.Count(c => c.From != "label");
        Answer.Object(
            parsed.GetValue(GlobalOptions.Json),
            string.Create(CultureInfo.InvariantCulture, $"{target.Path}: {manifest.Rows:N0} rows, {features} features, SHA-256 {manifest.Sha256}; manifest {target.ManifestPath}"),
            new { output = target.Path, manifest = target.ManifestPath, rows = manifest.Rows, sha256 = manifest.Sha256, leakage, naive_times = manifest.NaiveTimes });
    }
}
