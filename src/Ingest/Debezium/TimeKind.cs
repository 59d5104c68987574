namespace FeatureStore.Ingest.Debezium;

/// <summary>What the number or text of a time column means.</summary>
public enum TimeKind
{
    /// <summary>Nothing tells: microseconds, Debezium's default for <c>timestamp</c>, if the result is plausible.</summary>
    Unknown,

    Microseconds,

    Milliseconds,

    Nanoseconds,

    /// <summary>Days since the epoch.</summary>
    Days,

    /// <summary>ISO 8601 text.</summary>
    Text,

    /// <summary>Another type, for instance a time of day.</summary>
    Other,
}

/// <summary>Debezium's and Connect's time types, and their numbers as microseconds.</summary>
internal static class TimeKinds
{
    // Microseconds within 84 days of the epoch are what milliseconds of the years 1740 to 2200 would look like. Zero is the same moment in every unit.
    private const long NearEpochMicros = 84L * MicrosPerDay;

    // The years 1 and 9999: what the lake's texts can say. PostgreSQL's infinities, which lie in no window either way, become these.
    public const long LeastMicros = -62_135_596_800_000_000;
    public const long GreatestMicros = 253_402_300_799_999_999;

    // Debezium's milliseconds of the infinities of timestamp(3).
    private const long InfinityMillis = 9_223_372_036_825_200_000;
    private const long MinusInfinityMillis = -9_223_372_036_832_400_000;
    private const long MicrosPerDay = 86_400_000_000;
    private const long MicrosPerMillisecond = 1_000;
    private const long NanosPerMicrosecond = 1_000;

    /// <summary>By the semantic type's name.</summary>
    public static TimeKind Of(string name) => name switch
    {
        "io.debezium.time.MicroTimestamp" => TimeKind.Microseconds,
        "io.debezium.time.Timestamp" or "org.apache.kafka.connect.data.Timestamp" => TimeKind.Milliseconds,
        "io.debezium.time.NanoTimestamp" => TimeKind.Nanoseconds,
        "io.debezium.time.Date" or "org.apache.kafka.connect.data.Date" => TimeKind.Days,
        "io.debezium.time.ZonedTimestamp" or "io.debezium.time.IsoTimestamp" or "io.debezium.time.IsoDate" => TimeKind.Text,
        _ => TimeKind.Other,
    };

    /// <summary>The unit in words.</summary>
    public static string Unit(TimeKind kind) => kind switch
    {
        TimeKind.Milliseconds => "milliseconds",
        TimeKind.Nanoseconds => "nanoseconds",
        TimeKind.Days => "days",
        _ => "microseconds",
    };

    /// <summary>A number of a column as microseconds since the epoch; infinities are the first and last moment of the years 1 to 9999.</summary>
    /// <exception cref="EnvelopeException">The number is no instant of those years.</exception>
    public static long Micros(long number, TimeKind kind, string column)
    {
        var micros = kind switch
        {
            TimeKind.Unknown or TimeKind.Microseconds => number,
            TimeKind.Milliseconds when number >= InfinityMillis => long.MaxValue,
            TimeKind.Milliseconds when number <= MinusInfinityMillis => long.MinValue,
            TimeKind.Milliseconds => (Int128)number * MicrosPerMillisecond,
            TimeKind.Nanoseconds when number is long.MaxValue or long.MinValue => number,
            TimeKind.Nanoseconds => (number - (((number % NanosPerMicrosecond) + NanosPerMicrosecond) % NanosPerMicrosecond)) / NanosPerMicrosecond,
            TimeKind.Days => (Int128)number * MicrosPerDay,
            _ => throw new EnvelopeException($"column '{column}' is Timestamp, and the event's schema has another type for its number"),
        };
        if (micros == long.MaxValue || micros == long.MinValue)
        {
            return micros > 0 ? GreatestMicros : LeastMicros;
        }

        return micros >= LeastMicros && micros <= GreatestMicros
            ? (long)micros
            : throw new EnvelopeException(
                $"column '{column}' is a time outside the years 1 to 9999 if its number counts {Unit(kind)}; if it counts something else, send schemas, or declare the unit under fstore.ingest.time_units");
    }

    /// <summary>False if a time that nothing gives a unit for is more likely one of another unit.</summary>
    public static bool IsPlausible(long micros) => micros is 0 or <= -NearEpochMicros or >= NearEpochMicros;
}
