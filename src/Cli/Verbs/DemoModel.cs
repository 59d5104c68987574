using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.OfflineStore.DataSets;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.PointInTime;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Scoring.Online;
using FeatureStore.Scoring.Store;
using FeatureStore.Serving;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Retrieval;
using FeatureStore.Training;
using FeatureColumn = FeatureStore.Scoring.Scores.FeatureColumn;

namespace FeatureStore.Cli.Verbs;

/// <summary>What a demo trains for.</summary>
/// <param name="Model">Name of the model.</param>
/// <param name="Label">Its column among the labels.</param>
/// <param name="LabelsSql">Labels from the lake, in order, with user_id and event_timestamp.</param>
/// <param name="LabelWindow">How long after its time a label is known.</param>
/// <param name="Question">In words.</param>
internal sealed record DemoTask(string Model, string Label, string LabelsSql, TimeSpan LabelWindow, string Question);

/// <summary>The last steps of a demo: a training set, a model with its worth, and its scores of everybody, by the service and by the lake.</summary>
internal sealed class DemoModel(Repo repo, string service, DemoTask task, StepReport steps, TimeProvider time)
{
    private const int EntitiesPerCall = 1_000;
    private readonly LakeOptions _options = LakeOptions.Read(repo.Config);

    /// <returns>Whether every score of the service is that of the lake, to the bit, and where the report lies.</returns>
    public async Task<(bool Agree, string Report)> RunAsync(RegistrySnapshot snapshot, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var training = Target(task.Model);
        await steps.RunAsync("export", _ =>
        {
            var manifest = Export(snapshot, task.LabelsSql, training, cancellationToken);
            return Done(manifest, string.Create(CultureInfo.InvariantCulture, $"{manifest.Rows:N0} labels: {task.Question} Each with the features known at its time"));
        });
        var trained = await steps.RunAsync("train", _ =>
        {
            var order = new TrainingOrder(training.Path, task.Model, task.Label, TrainingTask.Binary, null, [], [], null, options => options with { LabelWindow = task.LabelWindow });
            var model = new ModelTraining(repo).Run(order, cancellationToken);
            ScoringSettings.Models(repo).Promote(task.Model, model.Manifest.Version, ServedFeatures.Of(snapshot, service).Fingerprint);
            return Done(model, Text(model));
        });
        var agree = await steps.RunAsync("score", async _ =>
        {
            var offline = Offline(snapshot, now, trained.Manifest, cancellationToken);
            var (online, elapsed) = await OnlineAsync(snapshot, [.. offline.Keys], cancellationToken);
            var equal = offline.Count(o => online.TryGetValue(o.Key, out var score) && BitConverter.SingleToInt32Bits(score) == BitConverter.SingleToInt32Bits(o.Value));
            return (equal == offline.Count && equal > 0, string.Create(
                CultureInfo.InvariantCulture,
                $"{equal:N0} of {offline.Count:N0} users: the service's score is the lake's, to the bit; {online.Count / elapsed.TotalSeconds:N0} users a second over HTTP"));
        });
        return (agree, trained.ReportPath);
    }

    private static Task<(T Result, string Line)> Done<T>(T result, string line) => Task.FromResult((result, line));

    private static string Text(TrainedModel trained)
    {
        var figures = trained.Result.Contenders.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Name} {c.Figures[0].Value:0.000}"));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{trained.Manifest.Name} {trained.Manifest.Version} on {trained.Result.TrainRows:N0} rows; AUC on the {trained.Result.TestRows:N0} after them: {string.Join(", ", figures)}");
    }

    private DataSetTarget Target(string name) => DataSetTarget.Of(Path.Combine(repo.Config.RepoDirectory, "data", "demo", $"{name}.parquet"));

    private DataSetManifest Export(RegistrySnapshot snapshot, string labels, DataSetTarget target, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(target.Path)!);
        var request = new TrainingRequest(new LabelInput(null, labels, null), [], service, FullNames: false, JoinRules.Default, new Dictionary<string, long>());
        return new TrainingExport(repo.Lake, _options) { ServingFingerprint = ServedFeatures.Of(snapshot, service).Fingerprint }.Run(snapshot, request, target, cancellationToken);
    }

    /// <summary>The model run on what the lake knows of every user now, without the online store.</summary>
    private Dictionary<string, float> Offline(RegistrySnapshot snapshot, DateTimeOffset now, ModelManifest manifest, CancellationToken cancellationToken)
    {
        var target = Target("now");
        Export(snapshot, $"SELECT DISTINCT user_id, TIMESTAMPTZ '{Instant.Text(now)}' AS event_timestamp FROM \"features/user_transactions_l1w\" ORDER BY user_id", target, cancellationToken);
        var columns = DataSetReader.Open(target.Path, _options, cancellationToken).Read(manifest.Plan.Features, "event_timestamp", ["user_id"], cancellationToken);
        using var scorer = ScoringSettings.Models(repo).OpenAsTrained(manifest.Name, manifest.Version);
        var scores = scorer.Score(
            [.. manifest.Plan.Features.Select((f, i) => FeatureColumn.Of(f, columns.Numbers[i], Array.ConvertAll(columns.Numbers[i], double.IsNaN)))], cancellationToken).Outputs[0].Span<float>().ToArray();
        return columns.Keys.Zip(scores).ToDictionary(s => s.First, s => s.Second);
    }

    /// <summary>The same users, asked of a server.</summary>
    private async Task<(Dictionary<string, float> Scores, TimeSpan Elapsed)> OnlineAsync(RegistrySnapshot snapshot, string[] users, CancellationToken cancellationToken)
    {
        await using var store = repo.OnlineStore();
        var runtime = new ServingRuntime(snapshot, store, time, new RetrievalLimits());
        using var models = ScoringSettings.Live(repo, runtime, task.Model);
        models.Refresh();
        var options = new FeatureServerOptions(IPAddress.Loopback, Beside: [ScoringHost.Beside(new OnlineScorer(runtime, models), models)]);
        await using var server = await FeatureServer.StartAsync(runtime, options, cancellationToken);
        using var http = new HttpClient { BaseAddress = server.HttpAddress };
        var scores = new Dictionary<string, float>();
        var started = time.GetTimestamp();
        foreach (var some in users.Chunk(EntitiesPerCall))
        {
            using var answer = await http.PostAsJsonAsync(new Uri("score", UriKind.Relative), new { model = task.Model, entities = new { user_id = some } }, cancellationToken);
            answer.EnsureSuccessStatusCode();
            var body = await answer.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
            foreach (var row in body.GetProperty("rows").EnumerateArray())
            {
                scores[row.GetProperty("entities").GetProperty("user_id").GetString()!] = row.GetProperty("scores").GetProperty("prediction").GetSingle();
            }
        }

        return (scores, time.GetElapsedTime(started));
    }
}
