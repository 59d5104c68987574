using System.Globalization;

namespace FeatureStore.Ingest.Postgres.Values;

/// <summary>PostgreSQL's dates and times of the years 1 to 9999 in their usual form, at once; what is written otherwise is left to <see cref="PgTimes"/>.</summary>
internal static class PlainTimes
{
    private const int DayLength = 10; // yyyy-MM-dd
    private const int SecondLength = 19; // yyyy-MM-dd HH:mm:ss
    private const int FractionDigitsMax = 6;
    private const string Utc = "+00";

    /// <summary>A timestamp as microseconds since the epoch.</summary>
    /// <param name="hasZone">The text ends with the zone, which is UTC.</param>
    public static bool TryMicros(ReadOnlySpan<char> text, bool hasZone, out long micros)
    {
        micros = 0;
        if (hasZone)
        {
            if (!text.EndsWith(Utc, StringComparison.Ordinal))
            {
                return false;
            }

            text = text[..^Utc.Length];
        }

        if (text.Length < SecondLength || text[DayLength] != ' ' || text[13] != ':' || text[16] != ':' || !TryDay(text[..DayLength], out var day)
            || !TryNumber(text[11..13], out var hour) || !TryNumber(text[14..16], out var minute) || !TryNumber(text[17..19], out var second)
            || !TryFraction(text[SecondLength..], out var fraction))
        {
            return false;
        }

        var days = day.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;
        micros = (((((((days * 24L) + hour) * 60) + minute) * 60) + second) * TimeSpan.MicrosecondsPerSecond) + fraction;
        return true;
    }

    public static bool TryDay(ReadOnlySpan<char> text, out DateOnly day)
    {
        day = default;
        if (text.Length != DayLength || text[4] != '-' || text[7] != '-' || !TryNumber(text[..4], out var year) || !TryNumber(text[5..7], out var month) || !TryNumber(text[8..], out var number)
            || year == 0 || month is 0 or > 12 || number == 0 || number > DateTime.DaysInMonth(year, month))
        {
            return false;
        }

        day = new DateOnly(year, month, number);
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<char> digits, out int number) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static bool TryFraction(ReadOnlySpan<char> text, out int micros)
    {
        micros = 0;
        if (text.IsEmpty)
        {
            return true;
        }

        if (text[0] != '.' || text.Length is < 2 or > FractionDigitsMax + 1 || !TryNumber(text[1..], out micros))
        {
            return false;
        }

        for (var digits = text.Length - 1; digits < FractionDigitsMax; digits++)
        {
            micros *= 10;
        }

        return true;
    }
}
