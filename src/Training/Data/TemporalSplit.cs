using FeatureStore.Training.XGBoost;

namespace FeatureStore.Training.Data;

/// <summary>The past to train on and the future to test on. Nothing is shuffled: a row of the future among those of training would make the figures kinder than life.</summary>
/// <param name="TestFrom">Microseconds since the epoch; every test row is at or after it, every training row before.</param>
/// <param name="Dropped">Rows between: their labels were not known yet when the test begins.</param>
internal sealed record TemporalSplit(TrainingRows Train, TrainingRows Test, long TestFrom, int Dropped)
{
    /// <exception cref="TrainingException">A side would be empty, or have labels of one kind alone.</exception>
    public static TemporalSplit Of(TrainingRows rows, TrainingOptions options)
    {
        if (rows.Count == 0)
        {
            throw new TrainingException($"No row has a label in '{options.Label}'.");
        }

        var from = options.TestFrom is { } time
            ? (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond
            : rows.Times[Math.Min(rows.Count - 1, (int)(rows.Count * (1 - options.TestShare)))];
        var knownFrom = from - (options.LabelWindow.Ticks / TimeSpan.TicksPerMicrosecond);
        var test = First(rows.Times, t => t >= from);
        var train = options.LabelWindow > TimeSpan.Zero ? First(rows.Times, t => t > knownFrom) : test;
        var split = new TemporalSplit(rows.Slice(0, train), rows.Slice(test, rows.Count - test), from, test - train);
        Check(split.Train, "before", options);
        Check(split.Test, "from", options);
        return split;
    }

    private static int First(long[] times, Func<long, bool> isAtOrAfter)
    {
        var (low, high) = (0, times.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = isAtOrAfter(times[middle]) ? (low, middle) : (middle + 1, high);
        }

        return low;
    }

    private static void Check(TrainingRows rows, string side, TrainingOptions options)
    {
        if (rows.Count == 0)
        {
            throw new TrainingException($"No row is left {side} the time that the test begins; choose another with --test-from or --test-share.");
        }

        if (options.Task == TrainingTask.Binary && rows.Labels.Distinct().Count() < 2)
        {
            throw new TrainingException($"All labels {side} the time that the test begins are {rows.Labels[0]}; choose another with --test-from or --test-share, or another label.");
        }
    }
}
