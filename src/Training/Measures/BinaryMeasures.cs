namespace FeatureStore.Training.Measures;

/// <summary>How good probabilities, or any scores that rank, are on labels of 0 and 1. Rows with equal scores count as one threshold.</summary>
internal static class BinaryMeasures
{
    private const double Smallest = 1e-15;

    /// <summary>Area under the ROC curve: how often a row that happened ranks above one that did not, ties counting half.</summary>
    public static double Auc(IReadOnlyList<double> scores, float[] labels)
    {
        var area = 0.0;
        var before = new CurvePoint(0, 0, 0);
        foreach (var point in Curve(scores, labels))
        {
            area += (point.FalseShare - before.FalseShare) * (point.TrueShare + before.TrueShare) / 2;
            before = point;
        }

        return area;
    }

    /// <summary>Average precision: the precision at each threshold, weighted by the share of positives that it adds.</summary>
    public static double AveragePrecision(IReadOnlyList<double> scores, float[] labels)
    {
        var area = 0.0;
        var recall = 0.0;
        foreach (var point in Curve(scores, labels))
        {
            area += (point.TrueShare - recall) * point.Precision;
            recall = point.TrueShare;
        }

        return area;
    }

    public static double LogLoss(IReadOnlyList<double> probabilities, float[] labels) => labels.Select((label, i) =>
    {
        var p = Math.Clamp(probabilities[i], Smallest, 1 - Smallest);
        return label > 0 ? -Math.Log(p) : -Math.Log(1 - p);
    }).Average();

    public static double Brier(IReadOnlyList<double> probabilities, float[] labels) => labels.Select((label, i) => Math.Pow(probabilities[i] - label, 2)).Average();

    /// <summary>A point per distinct score, from the highest on.</summary>
    public static IReadOnlyList<CurvePoint> Curve(IReadOnlyList<double> scores, float[] labels)
    {
        int[] order = [.. Enumerable.Range(0, labels.Length).OrderByDescending(i => scores[i])];
        var positives = labels.Count(l => l > 0);
        var negatives = labels.Length - positives;
        var points = new List<CurvePoint>();
        var (hits, alarms) = (0, 0);
        for (var i = 0; i < order.Length; i++)
        {
            _ = labels[order[i]] > 0 ? hits++ : alarms++;
            if (i + 1 == order.Length || scores[order[i + 1]] != scores[order[i]])
            {
                points.Add(new CurvePoint((double)alarms / Math.Max(1, negatives), (double)hits / Math.Max(1, positives), (double)hits / (hits + alarms)));
            }
        }

        return points;
    }

    /// <summary>Mean prediction and observed rate of groups of equal size, by rising prediction.</summary>
    public static IReadOnlyList<(double Predicted, double Observed, int Rows)> Calibration(IReadOnlyList<double> predictions, float[] labels, int groups)
    {
        int[] order = [.. Enumerable.Range(0, labels.Length).OrderBy(i => predictions[i])];
        return [.. Enumerable.Range(0, groups)
            .Select(g => order[(int)((long)order.Length * g / groups)..(int)((long)order.Length * (g + 1) / groups)])
            .Where(g => g.Length > 0)
            .Select(g => (g.Average(i => predictions[i]), g.Average(i => (double)labels[i]), g.Length))];
    }
}

/// <summary>What a threshold gives.</summary>
/// <param name="FalseShare">Share of the negatives at or above it.</param>
/// <param name="TrueShare">Share of the positives at or above it.</param>
/// <param name="Precision">Share of positives among all at or above it.</param>
internal readonly record struct CurvePoint(double FalseShare, double TrueShare, double Precision);
