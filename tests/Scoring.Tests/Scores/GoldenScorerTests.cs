using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Runtime;
using FeatureStore.Scoring.Scores;
using FeatureStore.Scoring.Tests.Cases;

namespace FeatureStore.Scoring.Tests.Scores;

/// <summary>The recorded cases again, from features by name with absent values, as a store serves them.</summary>
public sealed class GoldenScorerTests
{
    private static readonly string[] Weekly =
    [
        "num_transactions_l1w", "total_amount_l1w", "avg_amount_l1w", "min_amount_l1w", "max_amount_l1w", "num_vendors_l1w", "num_sources_l1w",
    ];

    /// <summary>Cases over the weekly features or single columns, of the types that a store holds.</summary>
    public static TheoryData<string> Cases() => GoldenCase.Names(c => c.Expect == "ok" && c.InputElements.All(i =>
        Width(i.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64()).ToArray()) is 1 or 7
        && i.GetProperty("type").GetString() is "float" or "double" or "int64" or "string" or "bool"));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Score_FeaturesByName_GivesTheRecordedOutputs(string name)
    {
        var golden = GoldenCase.Open(name);
        var inputs = golden.Inputs();

        // An output without a row each is no score; ML.NET writes one to carry class names.
        var rows = inputs[0].Rows;
        var recorded = golden.Outputs.Where(o => !o.TryGetProperty("shape", out var shape) || shape[0].GetInt64() == rows).ToArray();
        string[] outputs = [.. recorded.Select(o => o.GetProperty("name").GetString()!)];
        var label = inputs.Where(i => i.Name == "Label").Select(i => i.Name);
        var columns = inputs.Where(i => i.Name != "Label").SelectMany(Columns).ToArray();
        var plan = new ScoringPlan { Features = [.. columns.Select(c => c.Name)], Missing = MissingPolicy.NaN, Outputs = outputs, UnusedInputs = [.. label] };
        using var scorer = Scorer.Create(ModelLoader.Load(golden.ModelPath, golden.Sha256), plan);

        // The order of the batch's columns is not the model's.
        var batch = scorer.Score([.. columns.Reverse()]);
        Assert.Equal(outputs, batch.Outputs.Select(o => o.Name));
        foreach (var (expected, actual) in recorded.Zip(batch.Outputs))
        {
            if (golden.Format == "onnx")
            {
                Expected.Same(expected, actual);
            }
            else
            {
                Expected.SameValues(GoldenCase.Read(expected, actual.Name), actual);
            }
        }
    }

    private static long Width(long[] shape) => shape.Length == 2 ? shape[1] : shape.Length;

    private static IEnumerable<FeatureColumn> Columns(Tensor input) => (input.Type, Width([.. input.Shape])) switch
    {
        (TensorType.Float, 7) => Weekly.Select((feature, i) => Floats(feature, [.. input.Span<float>().ToArray().Where((_, at) => at % 7 == i)])),
        (TensorType.Double, 7) => Weekly.Select((feature, i) => Doubles(feature, [.. input.Span<double>().ToArray().Where((_, at) => at % 7 == i)])),
        (TensorType.Float, _) => [Floats(input.Name, input.Span<float>().ToArray())],
        (TensorType.Double, _) => [Doubles(input.Name, input.Span<double>().ToArray())],
        (TensorType.String, _) => [FeatureColumn.Of(input.Name, input.Span<string>().ToArray())],
        (TensorType.Bool, _) => [FeatureColumn.Of(input.Name, input.Span<bool>().ToArray())],
        _ => [FeatureColumn.Of(input.Name, input.Span<long>().ToArray())],
    };

    /// <summary>As doubles, the way a store holds amounts; NaN is an absent value.</summary>
    private static FeatureColumn Floats(string name, float[] values) => Doubles(name, Array.ConvertAll(values, v => (double)v));

    private static FeatureColumn Doubles(string name, double[] values) =>
        FeatureColumn.Of(name, Array.ConvertAll(values, v => double.IsNaN(v) ? 12_345 : v), Array.ConvertAll(values, double.IsNaN));
}
