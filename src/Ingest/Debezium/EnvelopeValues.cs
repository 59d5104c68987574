using System.Globalization;
using System.Text;
using System.Text.Json;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Debezium;

/// <summary>The message is no change event; the reason becomes the fault's.</summary>
internal sealed class EnvelopeException(string reason) : Exception(reason);

/// <summary>
/// JSON values of row images as the lake's CLR types. Casts are those that the worked example needs: a number may fill a text column
/// (as it is written), and ISO text a timestamp or a date. What a timestamp's number counts, the event's schema or a declaration tells.
/// </summary>
internal static class EnvelopeValues
{
    private static readonly DateOnly Epoch = new(1970, 1, 1);

    public static object? Read(ref Utf8JsonReader reader, LakeColumn column, TimeKind kind) => (column.Type, reader.TokenType) switch
    {
        (_, JsonTokenType.Null) => null,
        (LakeType.String, JsonTokenType.String) => reader.GetString(),
        (LakeType.String, JsonTokenType.Number) => Encoding.UTF8.GetString(reader.ValueSpan),
        (LakeType.Int64, JsonTokenType.Number) => reader.GetInt64(),
        (LakeType.Timestamp, JsonTokenType.Number) => TimeKinds.Micros(reader.GetInt64(), kind, column.Name),
        (LakeType.Timestamp, JsonTokenType.String) => Micros(reader.GetString()!, column),
        (LakeType.Int32, JsonTokenType.Number) => reader.GetInt32(),
        (LakeType.Double, JsonTokenType.Number) => reader.GetDouble(),
        (LakeType.Double, JsonTokenType.String) => NotFinite(reader.GetString(), column),
        (LakeType.Boolean, JsonTokenType.True or JsonTokenType.False) => reader.GetBoolean(),
        (LakeType.Date, JsonTokenType.Number) when kind is TimeKind.Unknown or TimeKind.Days => Day(reader.GetInt32(), column),
        (LakeType.Date, JsonTokenType.String) => Day(reader.GetString()!, column),
        _ => throw new EnvelopeException($"column '{column.Name}' is {column.Type}, and the event has a {reader.TokenType}"),
    };

    private static object NotFinite(string? text, LakeColumn column) => text switch
    {
        "NaN" => double.NaN,
        "Infinity" => double.PositiveInfinity,
        "-Infinity" => double.NegativeInfinity,
        _ => throw new EnvelopeException($"column '{column.Name}' is Double, and the event has other text"),
    };

    private static object Micros(string text, LakeColumn column) => text switch
    {
        "infinity" => TimeKinds.Micros(long.MaxValue, TimeKind.Microseconds, column.Name),
        "-infinity" => TimeKinds.Micros(long.MinValue, TimeKind.Microseconds, column.Name),
        _ => FiniteMicros(text, column),
    };

    private static long FiniteMicros(string text, LakeColumn column) =>
        DateTime.TryParseExact(
            text, "yyyy-MM-dd'T'HH:mm:ss.FFFFFFK", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? (time - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond
            : throw new EnvelopeException($"column '{column.Name}' is Timestamp, and the event has text that is no ISO time of the years 1 to 9999");

    // Debezium's isostring mode ends a date with Z.
    private static object Day(string text, LakeColumn column) =>
        DateOnly.TryParseExact(text.TrimEnd('Z'), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw new EnvelopeException($"column '{column.Name}' is Date, and the event has text that is no ISO date of the years 1 to 9999");

    private static object Day(int days, LakeColumn column)
    {
        var number = (long)Epoch.DayNumber + days;
        return number >= 0 && number <= DateOnly.MaxValue.DayNumber
            ? DateOnly.FromDayNumber((int)number)
            : throw new EnvelopeException($"column '{column.Name}' is a date outside the years 1 to 9999");
    }
}
