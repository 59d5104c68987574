namespace FeatureStore.Jobs.Runs;

/// <summary>Times as the file of runs keeps them: microseconds since the epoch, UTC.</summary>
internal static class Instants
{
    public static long Micros(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset FromMicros(long micros) => DateTimeOffset.UnixEpoch.AddTicks(micros * TimeSpan.TicksPerMicrosecond);
}
