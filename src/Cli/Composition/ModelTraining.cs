using System.Globalization;
using System.Text;
using System.Text.Json;
using FeatureStore.OfflineStore.DataSets;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Scores;
using FeatureStore.Scoring.Store;
using FeatureStore.Training;
using FeatureStore.Training.Data;
using FeatureStore.Training.Report;
using FeatureStore.Training.XGBoost;

namespace FeatureStore.Cli.Composition;

/// <summary>What is to be trained.</summary>
/// <param name="FeatureService">Null takes the one that the data set's manifest names.</param>
/// <param name="Features">Some of the service's features; empty takes all that are numbers.</param>
/// <param name="Keys">Columns of the entity; empty takes the join keys of the service's views.</param>
/// <param name="Time">Null takes the manifest's column, else <c>event_timestamp</c>.</param>
/// <param name="Adjust">Sets what else the command line says.</param>
internal sealed record TrainingOrder(
    string DataSet, string Model, string Label, TrainingTask Task, string? FeatureService, IReadOnlyList<string> Features, IReadOnlyList<string> Keys, string? Time, Func<TrainingOptions, TrainingOptions> Adjust);

/// <summary>What came of it.</summary>
/// <param name="LeftOut">Features of the service that are not trained on, with the reason.</param>
internal sealed record TrainedModel(ModelManifest Manifest, TrainingResult Result, string ReportPath, IReadOnlyList<string> LeftOut);

/// <summary>Joins a data set, the definitions that it was made from, the trainer and the store of models.</summary>
internal sealed class ModelTraining(Repo repo)
{
    private const string DefaultTime = "event_timestamp";
    private const string ReportName = "report.html";

    /// <summary>Trains, measures and keeps a version of a model; it is not live by that.</summary>
    public TrainedModel Run(TrainingOrder order, CancellationToken cancellationToken)
    {
        XgbLibrary.Ensure();
        var notes = DataSetNotes.Read(order.DataSet);
        var reader = DataSetReader.Open(order.DataSet, LakeOptions.Read(repo.Config), cancellationToken, notes?.Files);
        var snapshot = repo.Snapshot();
        var service = order.FeatureService ?? notes?.FeatureService ?? throw new UsageException("The data set has no manifest that names a feature service; name it with --feature-service.");
        var served = ServedFeatures.Of(snapshot, service);
        if (notes?.Serving is { } exported && notes.FeatureService == service && exported != served.Fingerprint)
        {
            throw new TrainingException($"The definitions of '{service}' have changed since the data set was exported; export it again.");
        }

        var (features, leftOut) = Features(order, reader, served, notes);
        var options = order.Adjust(new TrainingOptions(order.Task, order.Label, order.Time ?? notes?.Manifest.Query.TimeColumn ?? DefaultTime, Keys(order, reader, snapshot, service), features));
        var result = TrainingRun.Run(reader, options, cancellationToken);
        var sha256 = notes?.Manifest.Sha256 ?? reader.Sha256();
        var report = ReportPage.Write(Title(order, service), options, result, Facts(order, service, served, notes, sha256));
        var manifest = Keep(order.Model, service, served, options, result, Training(order, reader, notes, options, result, sha256), report);
        return new TrainedModel(manifest, result, Path.Combine(ScoringSettings.Models(repo).FolderOf(manifest.Name, manifest.Version), ReportName), leftOut);
    }

    private ModelManifest Keep(string model, string service, ServedFeatures served, TrainingOptions options, TrainingResult result, JsonElement training, string report)
    {
        // The same training again is the same version: safe to repeat.
        var sha256 = ModelLoader.Hash(result.Model);
        if (ScoringSettings.Models(repo).List(model).LastOrDefault(l => l.Manifest.SourceSha256 == sha256 && l.Manifest.Fingerprint == served.Fingerprint && l.Manifest.Training?.GetRawText() is { } told && JsonElement.DeepEquals(JsonElement.Parse(told), training)) is { } known)
        {
            return known.Manifest;
        }

        var folder = Directory.CreateTempSubdirectory("fstore-train-");
        try
        {
            var path = Path.Combine(folder.FullName, "model.ubj");
            File.WriteAllBytes(path, result.Model);
            return ScoringSettings.Models(repo).Add(new ModelSubmission(model, path, service, served.Fingerprint)
            {
                // Trees were trained with absent values, and know where to send them.
                Plan = new ScoringPlan { Features = [.. options.Features.Select(f => f.Name)], Missing = MissingPolicy.NaN, Outputs = ["prediction"] },
                ServedFeatures = served.Features,
                Training = training,
                Metrics = result.Contenders[0].Figures.Where(f => f.Value is not null).ToDictionary(f => f.Name, f => f.Value!.Value),
                Attachments = new Dictionary<string, byte[]> { [ReportName] = Encoding.UTF8.GetBytes(report) },
            });
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static (IReadOnlyList<TrainingFeature> Features, IReadOnlyList<string> LeftOut) Features(TrainingOrder order, DataSetReader reader, ServedFeatures served, DataSetNotes? notes)
    {
        if (order.Features.Except(served.Features).FirstOrDefault() is { } unknown)
        {
            throw new UsageException($"--features names '{unknown}', and the service serves {string.Join(", ", served.Features)}.");
        }

        var features = new List<TrainingFeature>();
        var leftOut = new List<string>();
        for (var i = 0; i < served.Features.Count; i++)
        {
            var name = served.Features[i];
            if (order.Features.Count > 0 && !order.Features.Contains(name))
            {
                continue;
            }

            // A column is known by what it was exported from, else by its name, long or short.
            var from = notes?.ColumnOf(served.FullNames[i]);
            var field = reader.Fields.FirstOrDefault(f => f.Name == from) ?? reader.Fields.FirstOrDefault(f => f.Name == served.FullNames[i]) ?? reader.Fields.FirstOrDefault(f => f.Name == name);
            if (field is { IsNumber: true })
            {
                features.Add(new TrainingFeature(name, field.Name));
            }
            else
            {
                leftOut.Add(field is null ? $"{name} (not in the data set)" : $"{name} ({field.Type.ToLowerInvariant()})");
            }
        }

        return order.Features.Count > 0 && leftOut.Count > 0 ? throw new UsageException($"--features names {leftOut[0]}; only columns of numbers are trained on.")
            : features.Count > 0 ? (features, leftOut)
            : throw new TrainingException($"The data set has none of the service's features as numbers: {string.Join(", ", served.Features)}.");
    }

    private static IReadOnlyList<string> Keys(TrainingOrder order, DataSetReader reader, RegistrySnapshot snapshot, string service) => order.Keys.Count > 0
        ? order.Keys
        : [.. snapshot.FeatureServices[service].Projections
            .SelectMany(p => snapshot.FeatureViews.ContainsKey(p.ViewName) ? [p] : snapshot.OnDemandFeatureViews[p.ViewName].Expressions?.Sources ?? [])
            .SelectMany(p => snapshot.FeatureViews[p.ViewName].JoinKeys.Select(k => p.JoinKeyMap.GetValueOrDefault(k.Name, k.Name)))
            .Distinct().Where(k => reader.Fields.Any(f => f.Name == k))];

    private static string Title(TrainingOrder order, string service) => $"{order.Model}: {order.Label} by {service}";

    private static (string Name, string Value)[] Facts(TrainingOrder order, string service, ServedFeatures served, DataSetNotes? notes, string sha256) =>
    [
        ("data set", $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(order.DataSet))}, SHA-256 {sha256}"),
        ("windows end at", notes?.WindowAt ?? "not told: the data set has no manifest"),
        ("feature service", $"{service}, fingerprint {served.Fingerprint}"),
        ("trainer", "XGBoost 1.7.4, one thread"),
    ];

    private static JsonElement Training(TrainingOrder order, DataSetReader reader, DataSetNotes? notes, TrainingOptions options, TrainingResult result, string sha256) => JsonSerializer.SerializeToElement(new
    {
        trainer = "XGBoost 1.7.4",
        task = options.Task.ToString().ToLowerInvariant(),
        label = options.Label,
        label_window_seconds = options.LabelWindow.TotalSeconds,
        window_at = notes?.WindowAt,
        dataset = new { name = Path.GetFileName(Path.TrimEndingDirectorySeparator(order.DataSet)), sha256, manifest_sha256 = notes?.Sha256, columns = reader.Fields.ToDictionary(f => f.Name, f => f.Type) },
        split = new { by = options.Time, test_from = DateTime.UnixEpoch.AddTicks(result.TestFrom * TimeSpan.TicksPerMicrosecond).ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture), train_rows = result.TrainRows, test_rows = result.TestRows, left_out_between = result.Dropped, without_label = result.WithoutLabel },
        parameters = result.Parameters.ToDictionary(p => p.Name, p => p.Value),
        rounds = options.Rounds,
        baselines = result.Contenders.Skip(1).ToDictionary(c => c.Name, c => c.Figures.Where(f => f.Value is not null).ToDictionary(f => f.Name, f => f.Value!.Value)),
    });
}
