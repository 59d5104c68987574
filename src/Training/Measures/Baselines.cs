using FeatureStore.Training.Data;

namespace FeatureStore.Training.Measures;

/// <summary>The plain answers beside a model. Each is made from what was known before the test, as the model is.</summary>
internal static class Baselines
{
    // Weight of the training's mean in an entity's own, in rows: an entity of one row is not yet known.
    private const int PriorRows = 10;

    public static IEnumerable<Contender> Of(TemporalSplit split, TrainingOptions options)
    {
        var mean = split.Train.Labels.Average(l => (double)l);
        var isBinary = options.Task == TrainingTask.Binary;
        yield return new Contender(
            isBinary ? "training rate for all" : "training mean for all", $"{(isBinary ? "The share of positives" : "The mean label")} in training, whoever it is.", Same(mean, split.Test.Count));
        if (!isBinary)
        {
            yield return new Contender("training median for all", "The median label in training, whoever it is.", Same(Median(split.Train.Labels), split.Test.Count));
        }

        yield return isBinary ? BestRank(split, options) : BestColumn(split, options);
        if (options.Keys.Count > 0)
        {
            yield return new Contender(
                isBinary ? "the entity's own rate in training" : "the entity's own mean in training", "Its labels of training alone, as they are; not among the features.", OwnTraining(split, mean), IsPrediction: !isBinary);
            yield return new Contender(
                isBinary ? "the entity's own past rate" : "the entity's own past mean",
                "Its labels that were known by the row's time, test rows too. Not among the features: a model without it leaves that on the table.",
                OwnPast(split, options, mean));
        }
    }

    // The direction too is chosen in training.
    private static Contender BestRank(TemporalSplit split, TrainingOptions options)
    {
        var best = options.Features.Select((f, i) => (Name: f.Name, Index: i, Auc: BinaryMeasures.Auc(Ranks(split.Train.Column(i)), split.Train.Labels))).MaxBy(f => Math.Abs(f.Auc - 0.5));
        var sign = best.Auc >= 0.5 ? 1 : -1;
        return new Contender(
            $"{(sign > 0 ? string.Empty : "− ")}{best.Name} as the score", "The one feature that ranks best in training, taken as it is.", [.. Ranks(split.Test.Column(best.Index)).Select(v => sign * v)], IsPrediction: false);
    }

    private static Contender BestColumn(TemporalSplit split, TrainingOptions options)
    {
        var best = options.Features
            .Select((f, i) => (Name: f.Name, Index: i, Rmse: RegressionMeasures.Rmse(Ranks(split.Train.Column(i)), split.Train.Labels)))
            .MinBy(f => f.Rmse);
        return new Contender($"{best.Name} as the prediction", "The one feature that is nearest to the label in training, taken as it is.", Ranks(split.Test.Column(best.Index)));
    }

    private static double[] OwnTraining(TemporalSplit split, double mean)
    {
        var own = split.Train.Keys.Zip(split.Train.Labels).GroupBy(r => r.First, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Average(r => (double)r.Second), StringComparer.Ordinal);
        return Array.ConvertAll(split.Test.Keys, key => own.GetValueOrDefault(key, mean));
    }

    private static double[] OwnPast(TemporalSplit split, TrainingOptions options, double mean)
    {
        // Rows of training and test by time; a label counts once it is known.
        var window = Math.Max(1, options.LabelWindow.Ticks / TimeSpan.TicksPerMicrosecond);
        var known = new Dictionary<string, (double Sum, int Rows)>(StringComparer.Ordinal);
        (long KnownFrom, string Key, float Label)[] past =
        [
            .. split.Train.Times.Select((t, i) => (t + window, split.Train.Keys[i], split.Train.Labels[i])),
            .. split.Test.Times.Select((t, i) => (t + window, split.Test.Keys[i], split.Test.Labels[i])),
        ];
        var next = 0;
        var predictions = new double[split.Test.Count];
        for (var row = 0; row < predictions.Length; row++)
        {
            for (; next < past.Length && past[next].KnownFrom <= split.Test.Times[row]; next++)
            {
                var (sum, rows) = known.GetValueOrDefault(past[next].Key);
                known[past[next].Key] = (sum + past[next].Label, rows + 1);
            }

            var own = known.GetValueOrDefault(split.Test.Keys[row]);
            predictions[row] = (own.Sum + (PriorRows * mean)) / (own.Rows + PriorRows);
        }

        return predictions;
    }

    private static double[] Same(double value, int rows)
    {
        var all = new double[rows];
        Array.Fill(all, value);
        return all;
    }

    // An absent value ranks with the zeros.
    private static double[] Ranks(float[] column) => Array.ConvertAll(column, v => float.IsNaN(v) ? 0 : (double)v);

    private static double Median(float[] labels)
    {
        float[] sorted = [.. labels.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : ((double)sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
