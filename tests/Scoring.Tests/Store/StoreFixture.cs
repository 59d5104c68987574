using FeatureStore.Scoring.Runtime;
using FeatureStore.Scoring.Scores;
using FeatureStore.Scoring.Store;
using FeatureStore.Scoring.Tests.Cases;

namespace FeatureStore.Scoring.Tests.Store;

/// <summary>A store of models in a folder of its own.</summary>
internal sealed class StoreFixture : IDisposable
{
    public const string Name = "outflow";
    public const string Service = "weekly";
    public const string Fingerprint = "f1";

    public static readonly string[] Weekly =
    [
        "num_transactions_l1w", "total_amount_l1w", "avg_amount_l1w", "min_amount_l1w", "max_amount_l1w", "num_vendors_l1w", "num_sources_l1w",
    ];

    public StoreFixture() => Store = new ModelStore(Root, new FixedTime());

    public string Root { get; } = Directory.CreateTempSubdirectory("fstore-models-").FullName;

    public ModelStore Store { get; }

    public string Folder => Path.Combine(Root, Name);

    public static ModelSubmission Submission(string caseName = "lr-vector") => new(Name, GoldenCase.Open(caseName).ModelPath, Service, Fingerprint)
    {
        Plan = new ScoringPlan { Features = Weekly, Missing = MissingPolicy.NaN },
        Metrics = new Dictionary<string, double> { ["auc"] = 0.621 },
    };

    public static FeatureColumn[] Row() => [.. Weekly.Select(f => FeatureColumn.Of(f, [3.0]))];

    public static float[] Score(Scorer scorer) => scorer.Score(Row()).Outputs.Last(o => o.Type == TensorType.Float).Span<float>().ToArray();

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private sealed class FixedTime : TimeProvider
    {
        private int _minutes;

        public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 11, 2, 0, 0, 0, TimeSpan.Zero).AddMinutes(_minutes++);
    }
}
