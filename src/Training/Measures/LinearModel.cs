using FeatureStore.Training.Data;
using FeatureStore.Training.XGBoost;

namespace FeatureStore.Training.Measures;

/// <summary>
/// The plain model that trees have to beat: logistic or linear regression over the same features, each shifted to mean 0 and scaled to deviation 1 by training,
/// an absent value the mean. XGBoost fits it too, one coefficient after the other, so it is as reproducible as the trees.
/// </summary>
internal static class LinearModel
{
    private const int Rounds = 200; // Far more than a handful of standardized columns need to come to rest.

    public static Contender Of(TemporalSplit split, TrainingOptions options, CancellationToken cancellationToken)
    {
        string[] features = [.. options.Features.Select(f => f.Name)];
        var scales = features.Select((_, f) => Scale(split.Train.Column(f))).ToArray();
        using var train = XgbMatrix.Of(Standardized(split.Train.Values, scales), features, split.Train.Labels);
        using var test = XgbMatrix.Of(Standardized(split.Test.Values, scales), features, split.Test.Labels);
        var isBinary = options.Task == TrainingTask.Binary;
        (string Name, string Value)[] parameters =
        [
            ("booster", "gblinear"),
            ("objective", isBinary ? "binary:logistic" : "reg:squarederror"),
            ("updater", "coord_descent"),
            ("feature_selector", "cyclic"),
            ("eta", "0.5"),
            ("lambda", "0"),
            ("alpha", "0"),
            ("base_score", XgbLibrary.Number(isBinary ? 0.5 : split.Train.Labels.Average(l => (double)l))),
            ("verbosity", "1"),
            ("nthread", "1"),
        ];
        using var booster = XgbBooster.Train(train, parameters, Rounds, cancellationToken);
        return new Contender(
            isBinary ? "logistic regression" : "linear regression", "A weighted sum of the same features, absent values taken as the mean.", Array.ConvertAll(booster.Predict(test), p => (double)p));
    }

    private static (double Mean, double Deviation) Scale(float[] column)
    {
        double[] present = [.. column.Where(v => !float.IsNaN(v)).Select(v => (double)v)];
        if (present.Length == 0)
        {
            return (0, 1);
        }

        var mean = present.Average();
        var deviation = Math.Sqrt(present.Average(v => (v - mean) * (v - mean)));
        return (mean, deviation > 0 && double.IsFinite(deviation) ? deviation : 1);
    }

    private static float[] Standardized(float[] values, (double Mean, double Deviation)[] scales)
    {
        var scaled = new float[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var (mean, deviation) = scales[i % scales.Length];
            scaled[i] = float.IsNaN(values[i]) ? 0 : (float)((values[i] - mean) / deviation);
        }

        return scaled;
    }
}
