using System.Globalization;
using Feast.Types;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Retrieval;

namespace FeatureStore.Serving.Writing;

/// <summary>Event and created times of pushed rows. A time without an offset is UTC; below a microsecond is cut.</summary>
public static class RowTimes
{
    // What Feast's remote client calls the columns, whatever the source calls them.
    private const string EventStandIn = "event_timestamp";
    private const string CreatedStandIn = "created";
    private const string NotATime = "NaT";
    private const long MicrosPerSecond = 1_000_000;
    private const long NanosPerMicro = 1_000;

    private static readonly string[] Formats =
        [.. from separator in new[] { "'T'", "' '" } from fraction in new[] { "", ".FFFFFFF" } from zone in new[] { "", "zzz", "'Z'" } select $"yyyy-MM-dd{separator}HH:mm:ss{fraction}{zone}", "yyyy-MM-dd"];

    /// <summary>Microseconds since the epoch for each row.</summary>
    /// <exception cref="RetrievalException">The column is missing or a value is no time.</exception>
    public static long[] Event(PushedColumns columns, SourceModel source, bool typedSeconds)
    {
        var name = Mapped(source, source.TimestampField);
        var (found, values) = columns.Find(name) is { } own ? (name, own) : (EventStandIn, columns.Find(EventStandIn));
        if (values is null)
        {
            throw new RetrievalException(RetrievalFault.Invalid, $"The column '{name}' with the event time is missing; send it, or '{EventStandIn}'.");
        }

        var times = new long[values.Count];
        for (var row = 0; row < times.Length; row++)
        {
            times[row] = Micros(values[row], found, row, typedSeconds)
                ?? throw new RetrievalException(RetrievalFault.Invalid, $"Column '{found}', row {row}: an event time is never null.");
        }

        return times;
    }

    /// <summary>The same for the created time, null where there is none.</summary>
    public static long?[]? Created(PushedColumns columns, SourceModel source, bool typedSeconds)
    {
        var name = source.CreatedTimestampColumn is { } own ? Mapped(source, own) : CreatedStandIn;
        var (found, values) = columns.Find(name) is { } named ? (name, named) : (CreatedStandIn, columns.Find(CreatedStandIn));
        return values?.Select((v, row) => Micros(v, found, row, typedSeconds)).ToArray();
    }

    /// <summary>Reads ISO text; false for anything else.</summary>
    public static bool TryParse(string text, out DateTimeOffset time) => DateTimeOffset.TryParseExact(
        text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);

    private static string Mapped(SourceModel source, string column) => source.FieldMapping.GetValueOrDefault(column, column);

    private static long? Micros(object? value, string column, int row, bool typedSeconds) => value switch
    {
        null or NotATime => null,
        Value { ValCase: Value.ValOneofCase.StringVal } typed => Micros(typed.StringVal, column, row, typedSeconds),

        // Feast hands the number to pandas, which takes it for nanoseconds; truthfully it is what its type says.
        Value { ValCase: Value.ValOneofCase.UnixTimestampVal, UnixTimestampVal: var number } when typedSeconds && Math.Abs((decimal)number) < long.MaxValue / MicrosPerSecond => number * MicrosPerSecond,
        Value { ValCase: Value.ValOneofCase.UnixTimestampVal } typed when !typedSeconds => typed.UnixTimestampVal / NanosPerMicro,
        string text when TryParse(text, out var time) => (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond,
        _ => throw new RetrievalException(RetrievalFault.Invalid, $"Column '{column}', row {row}: that is no time; send ISO 8601 text such as 2026-11-05T00:00:00Z."),
    };
}
