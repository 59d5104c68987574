using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Scores;
using FeatureStore.Scoring.Store;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace FeatureStore.Scoring.Tests.MlNet;

/// <summary>What an ML.NET user does, with ML.NET itself: train, ConvertToOnnx, add, score. The answers must be those of ML.NET. docs/mlnet.md shows the same.</summary>
public sealed class MlNetExportTests : IDisposable
{
    private const int RowCount = 400;
    private const float Tolerance = 1e-5f;

    private static readonly string[] Features = ["total_amount_l1w", "num_vendors_l1w", "avg_amount_l1w"];

    private readonly string _folder = Directory.CreateTempSubdirectory("fstore-mlnet-").FullName;
    private readonly MLContext _ml = new(seed: 1);
    private readonly Account[] _accounts = Accounts();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Score_LogisticRegression_AnswersAsMlNet()
    {
        var trainer = _ml.BinaryClassification.Trainers.LbfgsLogisticRegression();
        var (batch, expected) = AddAndScore(Vector().Append(trainer), _ml.Data.LoadFromEnumerable(_accounts.Select(a => a.Binary())), new ScoringPlan());
        AssertBinary(batch, expected);
    }

    [Fact]
    public void Score_FastTreeOnMissingValues_AnswersAsMlNet()
    {
        var trainer = _ml.BinaryClassification.Trainers.FastTree(numberOfTrees: 20, numberOfLeaves: 8);
        var (batch, expected) = AddAndScore(Vector().Append(trainer), _ml.Data.LoadFromEnumerable(_accounts.Select(a => a.Binary())), new ScoringPlan());
        AssertBinary(batch, expected);
    }

    [Fact]
    public void Score_Regression_AnswersAsMlNet()
    {
        var trainer = _ml.Regression.Trainers.FastTreeTweedie(numberOfTrees: 20);
        var data = _ml.Data.LoadFromEnumerable(_accounts.Select(a => a.Regression()));
        var (batch, expected) = AddAndScore(Vector().Append(trainer), data, new ScoringPlan());
        AssertNear(expected.GetColumn<float>("Score"), batch.Output("Score.output").Span<float>());
    }

    [Fact]
    public void Score_MulticlassWithALabelOfAnotherName_AnswersAsMlNet()
    {
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label", "Kind").Append(Vector())
            .Append(_ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy())
            .Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        var data = _ml.Data.LoadFromEnumerable(_accounts.Select(a => a.Multiclass()));
        var (batch, expected) = AddAndScore(pipeline, data, new ScoringPlan { UnusedInputs = ["Kind"] });
        Assert.Equal(expected.GetColumn<string>("PredictedLabel"), batch.Output("PredictedLabel.output").Span<string>().ToArray());
        AssertNear(expected.GetColumn<float[]>("Score").SelectMany(s => s), batch.Output("Score.output").Span<float>());
    }

    [Fact]
    public void Add_MlNetsOwnZip_SaysHowToExport()
    {
        var data = _ml.Data.LoadFromEnumerable(_accounts.Select(a => a.Regression()));
        var path = Path.Combine(_folder, "model.zip");
        _ml.Model.Save(Vector().Fit(data), data.Schema, path);
        var refusal = Assert.Throws<ModelRefusedException>(() => ModelLoader.Load(path));
        Assert.Contains("ConvertToOnnx", refusal.Message, StringComparison.Ordinal);
    }

    private IEstimator<ITransformer> Vector() => _ml.Transforms.ReplaceMissingValues(Features[2], replacementMode: MissingValueReplacingEstimator.ReplacementMode.Mean)
        .Append(_ml.Transforms.Concatenate("Features", Features)).Append(_ml.Transforms.NormalizeMinMax("Features"));

    private (ScoreBatch Batch, IDataView Expected) AddAndScore(IEstimator<ITransformer> pipeline, IDataView data, ScoringPlan plan)
    {
        var model = pipeline.Fit(data);
        var path = Path.Combine(_folder, "model.onnx");
        using (var file = File.Create(path))
        {
            _ml.Model.ConvertToOnnx(model, data, file);
        }

        var store = new ModelStore(Path.Combine(_folder, "models"), TimeProvider.System);
        store.Add(new ModelSubmission("outflow", path, "weekly", "f1") { Plan = plan with { Features = Features, Missing = MissingPolicy.NaN } });
        store.Promote("outflow", "1", "f1");
        using var scorer = store.Open("outflow", "f1");

        // As a store serves them: doubles and counts, and no value where there is none.
        return (scorer.Score(
        [
            FeatureColumn.Of(Features[0], Array.ConvertAll(_accounts, a => (double)a.Total)),
            FeatureColumn.Of(Features[1], Array.ConvertAll(_accounts, a => (long)a.Vendors)),
            FeatureColumn.Of(Features[2], Array.ConvertAll(_accounts, a => (double)a.Average), Array.ConvertAll(_accounts, a => float.IsNaN(a.Average))),
        ]), model.Transform(data));
    }

    private static void AssertBinary(ScoreBatch batch, IDataView expected)
    {
        Assert.Equal(expected.GetColumn<bool>("PredictedLabel"), batch.Output("PredictedLabel.output").Span<bool>().ToArray());
        AssertNear(expected.GetColumn<float>("Probability"), batch.Output("Probability.output").Span<float>());
        AssertNear(expected.GetColumn<float>("Score"), batch.Output("Score.output").Span<float>());
    }

    private static void AssertNear(IEnumerable<float> expected, ReadOnlySpan<float> actual)
    {
        var wanted = expected.ToArray();
        Assert.Equal(wanted.Length, actual.Length);
        Assert.True(wanted.Distinct().Count() > 2, "The model answers the same for every row: it proves nothing.");
        for (var i = 0; i < wanted.Length; i++)
        {
            Assert.True(MathF.Abs(wanted[i] - actual[i]) <= Tolerance * MathF.Max(1, MathF.Abs(wanted[i])), $"row {i}: {actual[i]:R}, ML.NET said {wanted[i]:R}");
        }
    }

    private static Account[] Accounts()
    {
        var random = new Random(3);
        return [.. Enumerable.Range(0, RowCount).Select(_ => new Account(random.NextSingle() * 100, random.Next(5), random.Next(10) == 0 ? float.NaN : random.NextSingle() * 50))];
    }
}
