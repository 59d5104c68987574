namespace FeatureStore.Training.Data;

/// <summary>Rows to train or test on, ordered by time; rows of one time keep the order of the data set.</summary>
/// <param name="Values">Features row after row; NaN is absent.</param>
/// <param name="Times">Microseconds since the epoch.</param>
/// <param name="Keys">The entity of each row.</param>
internal sealed record TrainingRows(float[] Values, float[] Labels, long[] Times, string[] Keys)
{
    public int Count => Labels.Length;

    public TrainingRows Slice(int from, int count)
    {
        var width = Count == 0 ? 0 : Values.Length / Count;
        return new TrainingRows(
            Values.AsSpan(from * width, count * width).ToArray(), Labels.AsSpan(from, count).ToArray(), Times.AsSpan(from, count).ToArray(), Keys.AsSpan(from, count).ToArray());
    }

    /// <summary>One feature of all rows.</summary>
    public float[] Column(int feature)
    {
        var width = Values.Length / Count;
        return [.. Enumerable.Range(0, Count).Select(r => Values[(r * width) + feature])];
    }
}
