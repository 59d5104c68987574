using System.Globalization;

namespace FeatureStore.Cli.Composition;

/// <summary>Times on the command line and in the lake.</summary>
internal static class Instant
{
    private const int DaysPerWeek = 7;

    /// <summary>Microseconds since the epoch.</summary>
    public static long Micros(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset FromMicros(long micros) => DateTimeOffset.UnixEpoch.AddTicks(micros * TimeSpan.TicksPerMicrosecond);

    /// <summary>An ISO 8601 time; one without a zone is UTC.</summary>
    /// <exception cref="UsageException">The text is no such time.</exception>
    public static DateTimeOffset Parse(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : throw new UsageException($"'{text}' is not a time; write it as 2026-11-02T00:00:00 (UTC unless it names a zone).");

    /// <summary>The last Monday 00:00 UTC at or before a time.</summary>
    public static DateTimeOffset MondayAtOrBefore(DateTimeOffset time)
    {
        var day = new DateTimeOffset(time.UtcDateTime.Date, TimeSpan.Zero);
        return day.AddDays(-(((int)day.DayOfWeek + DaysPerWeek - (int)DayOfWeek.Monday) % DaysPerWeek));
    }

    /// <summary>ISO 8601 to the microsecond, UTC.</summary>
    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);
}
