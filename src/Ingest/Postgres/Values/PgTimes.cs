using System.Globalization;

namespace FeatureStore.Ingest.Postgres.Values;

/// <summary>PostgreSQL's dates and times as text (DateStyle ISO, time zone UTC), also those that .NET's own types cannot hold.</summary>
internal static class PgTimes
{
    private const string Infinity = "infinity";
    private const string MinusInfinity = "-infinity";
    private const string BeforeChrist = " BC";
    private const long MicrosPerSecond = 1_000_000;
    private const long MicrosPerMillisecond = 1_000;
    private const long MicrosPerDay = 86_400 * MicrosPerSecond;
    private const int FractionDigits = 6;

    private static readonly long[] SecondsOf = [3_600, 60, 1]; // Of an hour, a minute, a second.

    // Debezium's numbers for the infinities.
    private const int InfinityDays = 2_146_033_979;
    private const int MinusInfinityDays = -2_147_483_648;
    private const long InfinityMillis = 9_223_372_036_825_200_000;
    private const long MinusInfinityMillis = -9_223_372_036_832_400_000;

    /// <summary>A date as days since the epoch, in the proleptic calendar.</summary>
    public static long Days(string text)
    {
        if (text is Infinity or MinusInfinity)
        {
            return text == Infinity ? InfinityDays : MinusInfinityDays;
        }

        var isBefore = text.EndsWith(BeforeChrist, StringComparison.Ordinal);
        var parts = text[..(isBefore ? ^BeforeChrist.Length : ^0)].Split('-');
        var year = long.Parse(parts[0], CultureInfo.InvariantCulture);
        return Days(isBefore ? 1 - year : year, Number(parts[1]), Number(parts[2]));
    }

    /// <summary>A timestamp as microseconds since the epoch, or milliseconds.</summary>
    public static long Count(string text, bool isMillis)
    {
        if (text is Infinity or MinusInfinity)
        {
            return (text == Infinity, isMillis) switch
            {
                (true, true) => InfinityMillis,
                (false, true) => MinusInfinityMillis,
                (true, false) => long.MaxValue,
                _ => long.MinValue,
            };
        }

        var isBefore = text.EndsWith(BeforeChrist, StringComparison.Ordinal);
        var halves = text[..(isBefore ? ^BeforeChrist.Length : ^0)].Split(' ');
        var total = ((Int128)Days(halves[0] + (isBefore ? BeforeChrist : string.Empty)) * MicrosPerDay) + OfDay(halves[1], isMillis: false);
        return isMillis ? (long)(total / MicrosPerMillisecond) : (long)Int128.Clamp(total, long.MinValue + 1, long.MaxValue - 1);
    }

    /// <summary>A timestamp with time zone, printed in UTC, as ISO text with fixed digits.</summary>
    public static string Iso(string text, int digits)
    {
        if (text is Infinity or MinusInfinity)
        {
            return text;
        }

        var isBefore = text.EndsWith(BeforeChrist, StringComparison.Ordinal);
        var plain = text[..(isBefore ? ^BeforeChrist.Length : ^0)];
        plain = plain[..plain.LastIndexOf('+')].Replace(' ', 'T');
        var point = plain.IndexOf('.', StringComparison.Ordinal);
        var (whole, fraction) = point < 0 ? (plain, string.Empty) : (plain[..point], plain[(point + 1)..]);
        return $"{(isBefore ? "-" : string.Empty)}{whole}{(digits > 0 ? "." + fraction.PadRight(digits, '0') : string.Empty)}Z";
    }

    /// <summary>A time of day as microseconds since midnight, or milliseconds.</summary>
    public static long OfDay(string text, bool isMillis)
    {
        var clock = text.Split(':');
        var second = clock[2].Split('.');
        var micros = second.Length == 1 ? 0 : Number(second[1].PadRight(FractionDigits, '0'));
        var total = (((((Number(clock[0]) * 60L) + Number(clock[1])) * 60) + Number(second[0])) * MicrosPerSecond) + micros;
        return isMillis ? total / MicrosPerMillisecond : total;
    }

    /// <summary>A time of day with its offset as ISO text in UTC, without zeros at the end.</summary>
    public static string OfDayIso(string text)
    {
        var sign = text.LastIndexOfAny(['+', '-']);
        var offset = text[(sign + 1)..].Split(':').Select(Number).Select((n, i) => n * SecondsOf[i]).Sum() * (text[sign] == '-' ? -1 : 1);
        var micros = (OfDay(text[..sign], isMillis: false) - (offset * MicrosPerSecond) + MicrosPerDay) % MicrosPerDay;
        var (seconds, fraction) = long.DivRem(micros, MicrosPerSecond);
        var clock = string.Create(CultureInfo.InvariantCulture, $"{seconds / SecondsOf[0]:00}:{seconds / SecondsOf[1] % 60:00}:{seconds % 60:00}");
        return fraction == 0 ? clock + "Z" : $"{clock}.{fraction.ToString("D6", CultureInfo.InvariantCulture).TrimEnd('0')}Z";
    }

    /// <summary>An interval (IntervalStyle postgres) as microseconds, its months as 30.4375 days.</summary>
    public static long Interval(string text)
    {
        const long MicrosPerMonth = 2_629_800 * MicrosPerSecond;
        var parts = text.Split(' ');
        var total = (Int128)0;
        for (var i = 0; i < parts.Length; i++)
        {
            if (parts[i].Contains(':', StringComparison.Ordinal))
            {
                var clock = OfDay(parts[i].TrimStart('+', '-'), isMillis: false);
                total += parts[i][0] == '-' ? -clock : clock;
                continue;
            }

            var count = (Int128)long.Parse(parts[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            total += count * parts[++i] switch
            {
                "year" or "years" => 12 * MicrosPerMonth,
                "mon" or "mons" => MicrosPerMonth,
                "day" or "days" => MicrosPerDay,
                _ => throw new FormatException("No interval."),
            };
        }

        return (long)total;
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    // Counts in years that begin with March, so that the leap day is the last, and in cycles of 400 years.
    private static long Days(long year, int month, int day)
    {
        const int DaysPerCycle = 146_097;
        const int YearsPerCycle = 400;
        const int DaysBeforeEpoch = 719_468; // From 0000-03-01.
        var y = month <= 2 ? year - 1 : year;
        var cycle = (y >= 0 ? y : y - (YearsPerCycle - 1)) / YearsPerCycle;
        var ofCycle = y - (cycle * YearsPerCycle);
        var ofYear = (((153 * (month > 2 ? month - 3 : month + 9)) + 2) / 5) + day - 1;
        return (cycle * DaysPerCycle) + (ofCycle * 365) + (ofCycle / 4) - (ofCycle / 100) + ofYear - DaysBeforeEpoch;
    }
}
