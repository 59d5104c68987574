using FeatureStore.OfflineStore.DataSets;
using FeatureStore.Training.XGBoost;

namespace FeatureStore.Training.Data;

/// <summary>From columns of a data set to rows in the order of their time.</summary>
internal static class TrainingRowsReader
{
    /// <returns>The rows that have a label, and how many have none.</returns>
    /// <exception cref="TrainingException">A label or feature is of no use.</exception>
    public static (TrainingRows Rows, int WithoutLabel) Read(DataSetReader reader, TrainingOptions options, CancellationToken cancellationToken)
    {
        string[] numbers = [options.Label, .. options.Features.Select(f => f.Column)];
        var columns = reader.Read(numbers, options.Time, options.Keys, cancellationToken);
        var labels = columns.Numbers[0];
        CheckLabels(labels, options);
        CheckFeatures(columns, options);
        int[] order = [.. Enumerable.Range(0, columns.Rows).Where(r => !double.IsNaN(labels[r]))];
        var times = Array.ConvertAll(order, r => columns.Times[r]);
        order = [.. order.Zip(times).OrderBy(r => r.Second).Select(r => r.First)];
        var width = options.Features.Count;
        var values = new float[order.Length * width];
        for (var row = 0; row < order.Length; row++)
        {
            for (var f = 0; f < width; f++)
            {
                values[(row * width) + f] = (float)columns.Numbers[f + 1][order[row]];
            }
        }

        var rows = new TrainingRows(values, Array.ConvertAll(order, r => (float)labels[r]), Array.ConvertAll(order, r => columns.Times[r]), Array.ConvertAll(order, r => columns.Keys[r]));
        return (rows, columns.Rows - order.Length);
    }

    private static void CheckLabels(double[] labels, TrainingOptions options)
    {
        if (options.Task == TrainingTask.Binary && Array.Exists(labels, l => !double.IsNaN(l) && l is not (0 or 1)))
        {
            throw new TrainingException($"Column '{options.Label}' has other labels than 0 and 1; take --task regression, or a column that says yes or no.");
        }

        if (Array.Exists(labels, double.IsInfinity))
        {
            throw new TrainingException($"Column '{options.Label}' has an infinite label; leave that row out of the data set.");
        }
    }

    // The library refuses infinities in training without saying where they are. One that float32 makes is one too.
    private static void CheckFeatures(DataSetColumns columns, TrainingOptions options)
    {
        for (var f = 0; f < options.Features.Count; f++)
        {
            if (Array.Exists(columns.Numbers[f + 1], v => float.IsInfinity((float)v)))
            {
                throw new TrainingException($"Column '{options.Features[f].Column}' has a value that is infinite or beyond float32; leave that row out of the data set, or the column with --features.");
            }
        }
    }
}
