using System.Globalization;

namespace FeatureStore.Cli.Output;

/// <summary>Says now and then how many labels are joined, to the error stream, since the answer goes to the other.</summary>
internal sealed class ExportProgress(TextWriter output, TimeProvider time) : IProgress<(long Done, long Total)>
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(5);
    private readonly long _started = time.GetTimestamp();
    private TimeSpan _lineAfter = LineEvery;

    public void Report((long Done, long Total) value)
    {
        var elapsed = time.GetElapsedTime(_started);
        if (elapsed >= _lineAfter)
        {
            _lineAfter = elapsed + LineEvery;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{value.Done:N0} of {value.Total:N0} labels, {elapsed.TotalSeconds:0} s"));
        }
    }
}
