using System.Globalization;
using FeatureStore.Training.Measures;

namespace FeatureStore.Training.Report;

/// <summary>The charts of a report, each with its heading and what to read from it.</summary>
internal static class ReportCharts
{
    public const string ModelColor = "#1f5fa8";

    private const int PointsMax = 250;
    private const int Groups = 10;
    private const int PeriodsMax = 60;

    private static readonly string[] Colors = [ModelColor, "#8a8f98", "#d1842b", "#8d5bb0", "#3c8d5a", "#b0484f"];

    public static IEnumerable<(string Heading, string Svg, string Caption)> Of(TrainingOptions options, TrainingResult result) =>
        (options.Task == TrainingTask.Binary ? Binary(result) : Regression(result)).Append(Importance(result)).Append(Periods(options, result));

    private static IEnumerable<(string Heading, string Svg, string Caption)> Binary(TrainingResult result)
    {
        var labels = result.Split.Test.Labels;
        var rate = labels.Average(l => (double)l);
        var ranked = result.Answers.Select((a, i) => (Answer: a, Color: Colors[i % Colors.Length], Points: BinaryMeasures.Curve(a.Predictions, labels))).Where(a => a.Points.Count > 1).ToArray();
        yield return (
            "ROC",
            Chart.Lines(
                "ROC curves", new Axis("false alarms among what did not happen", 0, 1), new Axis("found among what happened", 0, 1),
                [.. ranked.Select(r => new Series(r.Answer.Name, r.Color, Thin([(0, 0), .. r.Points.Select(p => (p.FalseShare, p.TrueShare))])))], hasDiagonal: true),
            "The dashed line is chance.");
        yield return (
            "Precision and recall",
            Chart.Lines(
                "Precision by recall", new Axis("recall: found among what happened", 0, 1), new Axis("precision: right among those found", 0, 1),
                [
                    .. ranked.Select(r => new Series(r.Answer.Name, r.Color, Thin([.. r.Points.Select(p => (p.TrueShare, p.Precision))]))),
                    new Series($"share of positives in the test, {Chart.Number(rate)}", "#c4c8ce", [(0, rate), (1, rate)], IsDashed: true),
                ]),
            "Below the dashed line a model is worse than picking at random.");
        var groups = BinaryMeasures.Calibration(result.Answers[0].Predictions, labels, Groups);
        var most = groups.Max(g => Math.Max(g.Predicted, g.Observed)) * 1.1;
        yield return (
            "Calibration",
            Chart.Lines(
                "Observed rate by predicted probability", new Axis("predicted probability, mean of a tenth of the rows", 0, most), new Axis("share that happened", 0, most),
                [new Series("this model", ModelColor, [.. groups.Select(g => (g.Predicted, g.Observed))], HasDots: true)], hasDiagonal: true),
            "On the dashed line a predicted 10 % happens 10 % of the time.");
    }

    private static IEnumerable<(string Heading, string Svg, string Caption)> Regression(TrainingResult result)
    {
        var labels = result.Split.Test.Labels;
        var predictions = result.Answers[0].Predictions;
        var groups = BinaryMeasures.Calibration(predictions, labels, Groups);
        var axis = Axis.Around("predicted, mean of a tenth of the rows", groups.SelectMany(g => new[] { g.Predicted, g.Observed }));
        yield return (
            "Calibration",
            Chart.Lines(
                "Observed by predicted", axis, axis with { Label = "observed mean" }, [new Series("this model", ModelColor, [.. groups.Select(g => (g.Predicted, g.Observed))], HasDots: true)], hasDiagonal: true),
            "On the dashed line predictions are right on average.");
        double[] residuals = [.. labels.Select((l, i) => l - predictions[i]).Order()];
        double[] shares = [.. Enumerable.Range(1, 99).Select(p => p / 100.0)];
        (double, double)[] points = [.. shares.Select(s => (s, residuals[(int)(s * (residuals.Length - 1))]))];
        yield return (
            "Residuals",
            Chart.Lines(
                "Residuals by share of the rows", new Axis("share of the test rows", 0, 1), Range("observed − predicted", points.Select(p => p.Item2)),
                [new Series("this model, from the 1st to the 99th percentile", ModelColor, points), new Series("no error", "#c4c8ce", [(0, 0), (1, 0)], IsDashed: true)]),
            "A long tail to one side says where the model is blind.");
    }

    private static (string Heading, string Svg, string Caption) Importance(TrainingResult result)
    {
        var total = Math.Max(result.Gains.Values.Sum(), double.Epsilon);
        var bars = result.Gains.OrderByDescending(g => g.Value).ThenBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => (g.Key, g.Value / total, string.Create(CultureInfo.InvariantCulture, $"{g.Value / total * 100:0.0} %"))).ToArray();
        return ("Feature importance", Chart.Bars("Share of the gain by feature", bars, ModelColor), "Share of what all splits gained. Features that tell the same share it between them; it is no effect and no cause.");
    }

    /// <summary>The model's figure by time of the test: one figure for all hides that it may come and go.</summary>
    private static (string Heading, string Svg, string Caption) Periods(TrainingOptions options, TrainingResult result)
    {
        var test = result.Split.Test;
        var times = test.Times.Distinct().Count();
        var isBinary = options.Task == TrainingTask.Binary;
        var groups = Enumerable.Range(0, test.Count)
            .GroupBy(r => times <= PeriodsMax ? test.Times[r] : test.Times[0] + ((test.Times[r] - test.Times[0]) / Math.Max(1, (test.Times[^1] - test.Times[0] + 1) / PeriodsMax)))
            .Select(g => (Labels: g.Select(r => test.Labels[r]).ToArray(), Predictions: g.Select(r => result.Answers[0].Predictions[r]).ToArray()))
            .Where(g => !isBinary || g.Labels.Distinct().Count() == 2)
            .Select((g, i) => ((double)(i + 1), isBinary ? BinaryMeasures.Auc(g.Predictions, g.Labels) : RegressionMeasures.Rmse(g.Predictions, g.Labels)))
            .ToArray();
        var y = isBinary ? new Axis("AUC", 0, 1) : Axis.Around("RMSE", groups.Select(g => g.Item2));
        return (
            "Over the test's time",
            Chart.Lines("Figure by time", new Axis("part of the test, in order of time", 0, groups.Length + 1), y, [new Series(isBinary ? "AUC of this model" : "RMSE of this model", ModelColor, groups, HasDots: true)]),
            $"Each dot is {(times <= PeriodsMax ? "one time of the labels" : "an equal span of time")}{(isBinary ? " that has both labels" : string.Empty)}.");
    }

    private static Axis Range(string label, IEnumerable<double> values)
    {
        double[] all = [.. values, 0];
        var pad = Math.Max((all.Max() - all.Min()) * 0.05, 1e-9);
        return new Axis(label, all.Min() - pad, all.Max() + pad);
    }

    private static IReadOnlyList<(double X, double Y)> Thin(IReadOnlyList<(double X, double Y)> points) => points.Count <= PointsMax
        ? points
        : [.. Enumerable.Range(0, PointsMax).Select(i => points[(int)((long)i * (points.Count - 1) / (PointsMax - 1))])];
}
