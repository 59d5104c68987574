using System.Globalization;
using System.Text.Json;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Debezium;

/// <summary>
/// Dates and times as texts and as objects of year, month and so on (<c>time.precision.mode</c> isostring and structured). PostgreSQL's
/// infinities, which lie in no window either way, become the first and last moment of the years 1 to 9999.
/// </summary>
internal static class EnvelopeTimes
{
    // The last year of PostgreSQL's own dates; what lies beyond stands for infinity. So do the years before its first, 4713 BC.
    private const int YearMax = 5_874_897;
    private const int YearMin = -4_712;
    private const int YearDigits = 4;
    private const long NanosPerMicrosecond = 1_000;
    private static readonly DateOnly Epoch = new(1970, 1, 1);
    private static readonly int DayMax = 2_145_031_948; // 5874897-12-31.

    /// <summary>ISO text as microseconds since the epoch.</summary>
    public static long Micros(string text, LakeColumn column)
    {
        if (Infinity(text) is { } sign)
        {
            return TimeKinds.Micros(sign > 0 ? long.MaxValue : long.MinValue, TimeKind.Microseconds, column.Name);
        }

        return DateTime.TryParseExact(
            text, "yyyy-MM-dd'T'HH:mm:ss.FFFFFFK", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? Micros(time)
            : throw new EnvelopeException($"column '{column.Name}' is Timestamp, and the event has text that is no ISO time of the years 1 to 9999");
    }

    /// <summary>ISO text as a date; Debezium's isostring mode ends it with Z.</summary>
    public static DateOnly Day(string text, LakeColumn column)
    {
        if (Infinity(text) is { } sign)
        {
            return sign > 0 ? DateOnly.MaxValue : DateOnly.MinValue;
        }

        return DateOnly.TryParseExact(text.EndsWith('Z') ? text.AsSpan()[..^1] : text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw new EnvelopeException($"column '{column.Name}' is Date, and the event has text that is no ISO date of the years 1 to 9999");
    }

    /// <summary>Days since the epoch as a date. A streamed infinity lies beyond PostgreSQL's last day; a snapshot's is another number, which is refused.</summary>
    public static DateOnly Day(int days, LakeColumn column)
    {
        var number = (long)Epoch.DayNumber + days;
        return days > DayMax ? DateOnly.MaxValue
            : number >= 0 && number <= DateOnly.MaxValue.DayNumber ? DateOnly.FromDayNumber((int)number)
            : throw new EnvelopeException($"column '{column.Name}' is a date outside the years 1 to 9999");
    }

    /// <summary>An object of year, month, day and, of a timestamp, hour, minute, second, nanos and offset, as the column's value.</summary>
    public static object ReadObject(ref Utf8JsonReader reader, LakeColumn column)
    {
        var parts = new Dictionary<string, int>();
        var sign = 0;
        for (EnvelopeReader.Next(ref reader); reader.TokenType != JsonTokenType.EndObject; EnvelopeReader.Next(ref reader))
        {
            var name = reader.GetString()!;
            EnvelopeReader.Next(ref reader);
            if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var number))
            {
                parts[name] = number;
            }
            else if (name == "specialValue" && reader.TokenType == JsonTokenType.String)
            {
                sign = reader.ValueTextEquals("POSITIVE_INFINITY") ? 1 : reader.ValueTextEquals("NEGATIVE_INFINITY") ? -1 : 0;
            }

            reader.Skip();
        }

        var isDate = column.Type == LakeType.Date;
        if (sign != 0)
        {
            return isDate ? sign > 0 ? DateOnly.MaxValue : DateOnly.MinValue
                : TimeKinds.Micros(sign > 0 ? long.MaxValue : long.MinValue, TimeKind.Microseconds, column.Name);
        }

        try
        {
            var day = new DateOnly(parts["year"], parts["month"], parts["day"]);
            if (isDate)
            {
                return day;
            }

            var time = day.ToDateTime(new TimeOnly(parts["hour"], parts["minute"], parts["second"]), DateTimeKind.Utc);
            return Micros(time) + (parts["nanos"] / NanosPerMicrosecond) - (parts.GetValueOrDefault("offsetSeconds") * TimeSpan.MicrosecondsPerSecond);
        }
        catch (Exception e) when (e is KeyNotFoundException or ArgumentOutOfRangeException)
        {
            throw new EnvelopeException($"column '{column.Name}' is {column.Type}, and the event has an object that is no such time of the years 1 to 9999");
        }
    }

    private static long Micros(DateTime time) => (time - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    // ISO 8601 writes years beyond 9999 with a sign. Real years of such a size are refused later, as no years of ours.
    private static int? Infinity(string text)
    {
        switch (text)
        {
            case "infinity":
                return 1;
            case "-infinity":
                return -1;
        }

        if (text.Length == 0 || text[0] is not ('+' or '-'))
        {
            return null;
        }

        var end = text.IndexOf('-', 1);
        return end > YearDigits && int.TryParse(text.AsSpan(0, end), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var year)
            ? year > YearMax ? 1 : year < YearMin ? -1 : null
            : null;
    }
}
