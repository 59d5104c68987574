using System.Globalization;
using Feast.Types;

namespace FeatureStore.Contract.Values;

/// <summary>ISO text of an instant in the zone it was given in: an IANA name, an offset such as <c>+05:30</c> or <c>UTC+05:30</c>, or none for UTC.</summary>
internal static class ZonedTime
{
    /// <summary>Seconds that stand for a missing time.</summary>
    public const long NullSeconds = long.MinValue;

    private const string Utc = "UTC";
    private static readonly long SecondsMin = DateTimeOffset.MinValue.ToUnixTimeSeconds();
    private static readonly long SecondsMax = DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    /// <exception cref="ValueJsonException">The zone is not known here, or the local time leaves the years 1 to 9999.</exception>
    public static string Format(long unixSeconds, string zone)
    {
        if (unixSeconds < SecondsMin || unixSeconds > SecondsMax)
        {
            throw OutOfYears(unixSeconds);
        }

        var instant = DateTimeOffset.FromUnixTimeSeconds(unixSeconds);
        try
        {
            return instant.ToOffset(Offset(instant, zone)).ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture);
        }
        catch (ArgumentOutOfRangeException)
        {
            throw OutOfYears(unixSeconds);
        }
    }

    /// <summary>The zone that an offset is kept under: <c>UTC</c>, or <c>UTC+05:30</c>.</summary>
    public static string Name(TimeSpan offset) => offset == TimeSpan.Zero
        ? Utc
        : string.Create(CultureInfo.InvariantCulture, $"{Utc}{(offset < TimeSpan.Zero ? '-' : '+')}{offset:hh\\:mm}");

    /// <summary>Reads an ISO 8601 time; one without an offset is UTC and keeps no zone.</summary>
    public static bool TryParse(string text, out ZonedTimestamp time)
    {
        time = new ZonedTimestamp();
        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant))
        {
            return false;
        }

        var hasZone = DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var local) && local.Kind != DateTimeKind.Unspecified;
        time.UnixTimestamp = instant.ToUnixTimeSeconds();
        time.Zone = hasZone ? Name(instant.Offset) : string.Empty;
        return true;
    }

    private static TimeSpan Offset(DateTimeOffset instant, string zone)
    {
        var text = zone.StartsWith(Utc, StringComparison.Ordinal) ? zone[Utc.Length..] : zone;
        if (text.Length == 0)
        {
            return TimeSpan.Zero;
        }

        if (text[0] is '+' or '-'
            && TimeSpan.TryParseExact(text.AsSpan(1), @"hh\:mm", CultureInfo.InvariantCulture, out var offset))
        {
            return text[0] == '-' ? -offset : offset;
        }

        return TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found)
            ? found.GetUtcOffset(instant)
            : throw new ValueJsonException($"The time zone '{zone}' is not known here; install the system's time zone data or store the time in UTC.");
    }

    private static ValueJsonException OutOfYears(long unixSeconds) =>
        new($"The time {unixSeconds.ToString(CultureInfo.InvariantCulture)} s lies outside the years 1 to 9999 and has no ISO text; ask for it over gRPC.");
}
