namespace FeatureStore.Training.Measures;

/// <summary>How far predicted numbers are from what came.</summary>
internal static class RegressionMeasures
{
    public static double Rmse(IReadOnlyList<double> predictions, float[] labels) => Math.Sqrt(labels.Select((label, i) => Math.Pow(predictions[i] - label, 2)).Average());

    public static double Mae(IReadOnlyList<double> predictions, float[] labels) => labels.Select((label, i) => Math.Abs(predictions[i] - label)).Average();

    /// <summary>Share of the labels' variance that is explained; below zero where their mean were better.</summary>
    public static double R2(IReadOnlyList<double> predictions, float[] labels)
    {
        var mean = labels.Average(l => (double)l);
        var total = labels.Sum(l => Math.Pow(l - mean, 2));
        return total == 0 ? 0 : 1 - (labels.Select((label, i) => Math.Pow(predictions[i] - label, 2)).Sum() / total);
    }
}
