using System.Diagnostics;
using System.Globalization;
using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore;
using FeatureStore.OnlineStore.Sqlite;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Scoring.Online;
using FeatureStore.Scoring.Scores;
using FeatureStore.Scoring.Store;
using FeatureStore.Serving;
using FeatureStore.Serving.Retrieval;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Benchmarks.Scoring;

/// <summary>
/// What a score adds to reading its features: one entity and seven features in SQLite, read alone and read and scored, in turns so that both meet the same machine. Prints percentiles in microseconds.
/// Each score is compared with the model's own answer, so that a broken path cannot look fast.
/// </summary>
internal sealed class ReadBenchmark(string modelPath)
{
    public const int Entities = 10_000;
    private const int WarmUps = 2_000;
    private const int Runs = 20_000;
    private const string Service = "weekly_v1";
    public const string View = "weekly";

    public static readonly string[] Features = ["f0", "f1", "f2", "f3", "f4", "f5", "f6"];

    public static async Task<int> RunAsync(IReadOnlyList<string> paths)
    {
        foreach (var path in paths)
        {
            await new ReadBenchmark(path).MeasureAsync();
        }

        return paths.Count == 0 ? 2 : 0;
    }

    private async Task MeasureAsync()
    {
        var folder = Directory.CreateTempSubdirectory("fstore-score-read-");
        try
        {
            await using var store = new SqliteOnlineStore(Path.Combine(folder.FullName, "online.db"));
            await FillAsync(store);
            var runtime = new ServingRuntime(Snapshot(), store, TimeProvider.System, new RetrievalLimits());
            var models = new ModelStore(Path.Combine(folder.FullName, "models"), TimeProvider.System);
            Keep(models, runtime);
            using var live = new LiveModels(models, () => runtime.Plans.Snapshot);
            live.Refresh();
            using var scorer = models.OpenAsTrained("m", "1");
            await MeasureAsync(runtime, new OnlineScorer(runtime, live), scorer);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task MeasureAsync(ServingRuntime runtime, OnlineScorer online, Scorer scorer)
    {
        var plan = runtime.Plans.Service(Service);
        var (reads, scores) = (new double[Runs], new double[Runs]);
        for (var i = -WarmUps; i < Runs; i++)
        {
            var entity = (i + WarmUps) % Entities;
            EntityColumn[] entities = [new EntityColumn("id", [new Value { Int64Val = entity }])];
            var start = Stopwatch.GetTimestamp();
            await runtime.Reader.ReadAsync(plan, entities, fullFeatureNames: true, CancellationToken.None);
            var middle = Stopwatch.GetTimestamp();
            using var call = online.Begin("m");
            var batch = await call.RunAsync(entities, null, CancellationToken.None);
            var end = Stopwatch.GetTimestamp();
            if (i >= 0)
            {
                reads[i] = Stopwatch.GetElapsedTime(start, middle).TotalMicroseconds;
                scores[i] = Stopwatch.GetElapsedTime(middle, end).TotalMicroseconds;
            }
            else
            {
                Check(batch, scorer, entity);
            }
        }

        var added = reads.Zip(scores, (r, s) => s - r).ToArray();
        Array.Sort(reads);
        Array.Sort(scores);
        Array.Sort(added);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Path.GetFileName(Path.GetDirectoryName(modelPath)),-24} read p50 {At(reads, 50):0.0} p99 {At(reads, 99):0.0} us; read and score p50 {At(scores, 50):0.0} p99 {At(scores, 99):0.0} us; added p50 {At(added, 50):0.0}, p99 of one less p99 of the other {At(scores, 99) - At(reads, 99):0.0} us; ratio of p50 {At(scores, 50) / At(reads, 50):0.00}"));
    }

    public static double At(double[] sorted, int percent) => sorted[sorted.Length * percent / 100];

    private static void Check(ScoredBatch batch, Scorer scorer, int entity)
    {
        var expected = scorer.Score([.. Features.Select((f, i) => FeatureStore.Scoring.Scores.FeatureColumn.Of(f, [(double)Number(entity, i)]))]).Outputs[^1].Span<float>();
        if (!expected.SequenceEqual(batch.Outputs[^1].Span<float>()))
        {
            throw new InvalidOperationException($"Entity {entity} has another score than the model gives.");
        }
    }

    public static int Number(int entity, int feature) => (entity * (feature + 3)) % 97;

    /// <summary>The view that is filled.</summary>
    public static FeatureViewModel Model() => new(
        View, [new FieldModel("id", Kind.Int64)], [.. Features.Select(f => new FieldModel(f, Kind.Double))], TimeSpan.Zero, true,
        new SourceModel("source", "features/weekly", "event_timestamp", null, new Dictionary<string, string>()), null);

    private static RegistrySnapshot Snapshot()
    {
        var service = new FeatureServiceModel(Service, [new ProjectionModel(View, View, Features, new Dictionary<string, string>())]);
        return new RegistrySnapshot("bench", 3, new Dictionary<string, FeatureViewModel> { [View] = Model() }, new Dictionary<string, FeatureServiceModel> { [Service] = service });
    }

    public static async Task FillAsync(SqliteOnlineStore store)
    {
        var table = new OnlineTable("bench", View, Features);
        await store.EnsureTablesAsync([table], CancellationToken.None);
        var micros = DateTimeOffset.UtcNow.ToUnixTimeSeconds() * 1_000_000;
        EncodedRow[] rows =
        [
            .. Enumerable.Range(0, Entities).Select(e => new EncodedRow(
                EntityKeyEncoder.Encode([("id", new Value { Int64Val = e })], 3), micros, null, [.. Features.Select((_, f) => ValueBytes.Double(Number(e, f)))])),
        ];
        await store.WriteAsync(table, rows, OnlineWriteRule.NewerWins, CancellationToken.None);
    }

    private void Keep(ModelStore models, ServingRuntime runtime)
    {
        var fingerprint = ServedFeatures.Of(runtime.Plans.Snapshot, Service).Fingerprint;
        models.Add(new ModelSubmission("m", modelPath, Service, fingerprint) { Plan = new ScoringPlan { Features = Features, Missing = MissingPolicy.NaN } });
        models.Promote("m", "1", fingerprint);
    }
}
