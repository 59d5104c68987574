using FeatureStore.OfflineStore.DataSets;
using FeatureStore.Scoring.Import;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Scores;
using FeatureStore.Training.Data;
using FeatureStore.Training.Measures;
using FeatureStore.Training.XGBoost;

namespace FeatureStore.Training;

/// <summary>A contender's figures on the test rows.</summary>
public sealed record ContenderFigures(string Name, string Note, IReadOnlyList<(string Name, double? Value)> Figures);

/// <summary>A trained model and how it did on rows that it never saw.</summary>
/// <param name="Model">XGBoost's UBJ file.</param>
/// <param name="Contenders">The model first, then the baselines.</param>
/// <param name="TestFrom">Microseconds since the epoch.</param>
public sealed record TrainingResult(
    byte[] Model, IReadOnlyList<ContenderFigures> Contenders, int TrainRows, int TestRows, int Dropped, int WithoutLabel, long TestFrom, IReadOnlyList<(string Name, string Value)> Parameters)
{
    internal TemporalSplit Split { get; init; } = null!;

    internal IReadOnlyList<Contender> Answers { get; init; } = [];

    internal IReadOnlyDictionary<string, double> Gains { get; init; } = new Dictionary<string, double>();
}

/// <summary>Trains on the past of a data set and measures on its future.</summary>
public static class TrainingRun
{
    /// <summary>Largest difference taken between XGBoost's own predictions and those of the file that will score.</summary>
    private const double ConversionTolerance = 1e-6;

    /// <exception cref="TrainingException">The data cannot be trained on.</exception>
    /// <exception cref="TrainerMissingException">XGBoost's native library is not here.</exception>
    public static TrainingResult Run(DataSetReader reader, TrainingOptions options, CancellationToken cancellationToken)
    {
        XgbLibrary.Ensure();
        var (rows, withoutLabel) = TrainingRowsReader.Read(reader, options, cancellationToken);
        var split = TemporalSplit.Of(rows, options);
        string[] features = [.. options.Features.Select(f => f.Name)];
        using var train = XgbMatrix.Of(split.Train.Values, features, split.Train.Labels);
        var start = options.Task == TrainingTask.Binary ? 0.5f : (float)split.Train.Labels.Average(l => (double)l);
        (string Name, string Value)[] parameters = [.. options.Parameters(start)];
        using var booster = XgbBooster.Train(train, parameters, options.Rounds, cancellationToken);
        var model = booster.Save();
        using var test = XgbMatrix.Of(split.Test.Values, features, split.Test.Labels);
        var predictions = Score(model, features, split.Test, cancellationToken);
        CheckConversion(booster.Predict(test), predictions);
        Contender[] answers =
        [
            new Contender("this model", "XGBoost's trees, as the service will score them.", Array.ConvertAll(predictions, p => (double)p)),
            LinearModel.Of(split, options, cancellationToken),
            .. Baselines.Of(split, options),
        ];
        return new TrainingResult(
            model, [.. answers.Select(a => new ContenderFigures(a.Name, a.Note, a.Figures(options.Task, split.Test.Labels)))], split.Train.Count, split.Test.Count, split.Dropped, withoutLabel, split.TestFrom, parameters)
        {
            Split = split,
            Answers = answers,
            Gains = booster.Gains(features),
        };
    }

    /// <summary>Scores the test rows with the ONNX file that the service will run.</summary>
    private static float[] Score(byte[] model, string[] features, TrainingRows rows, CancellationToken cancellationToken)
    {
        var limits = ModelLimits.Default;
        var onnx = ModelImporter.ToOnnx(model, ModelFormat.XGBoostUbj, limits);
        using var scorer = Scorer.Create(ModelLoader.Load(onnx, folder: null, limits), new ScoringPlan { Features = features, Missing = MissingPolicy.NaN, Outputs = ["prediction"] });
        var predictions = new List<float>(rows.Count);
        for (var from = 0; from < rows.Count; from += limits.RowsMax)
        {
            var part = rows.Slice(from, Math.Min(limits.RowsMax, rows.Count - from));
            var columns = features.Select((name, f) => FeatureColumn.Of(name, part.Column(f))).ToArray();
            predictions.AddRange(scorer.Score(columns, cancellationToken).Output("prediction").Span<float>());
        }

        return [.. predictions];
    }

    private static void CheckConversion(float[] own, float[] converted)
    {
        for (var row = 0; row < own.Length; row++)
        {
            if (Math.Abs((double)own[row] - converted[row]) > ConversionTolerance * Math.Max(1, Math.Abs(own[row])))
            {
                throw new TrainingException($"Converted to ONNX the model answers {converted[row]:R} for test row {row}, and XGBoost {own[row]:R}. That is a fault of the converter; the model is not kept.");
            }
        }
    }
}
