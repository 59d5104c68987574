using System.Text;
using System.Text.Json;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Debezium;

/// <summary>The message is no change event; the reason becomes the fault's.</summary>
internal sealed class EnvelopeException(string reason) : Exception(reason);

/// <summary>
/// JSON values of row images as the lake's CLR types. A text column takes whatever comes, as it is written: numbers, truth values, and lists and
/// objects as JSON. Numbers may come as text or bytes (<c>decimal.handling.mode</c>), times as text or objects.
/// </summary>
internal static class EnvelopeValues
{
    public static object? Read(ref Utf8JsonReader reader, LakeColumn column, ColumnForm form) => (column.Type, reader.TokenType) switch
    {
        (_, JsonTokenType.Null) => null,
        (not (LakeType.Timestamp or LakeType.Date or LakeType.Boolean), JsonTokenType.String) when form.Scale is { } scale => EnvelopeDecimal.Read(ref reader, scale, column),
        (LakeType.String, JsonTokenType.String) => reader.GetString(),
        (LakeType.String, JsonTokenType.Number) => Encoding.UTF8.GetString(reader.ValueSpan),
        (LakeType.String, JsonTokenType.True) => "true",
        (LakeType.String, JsonTokenType.False) => "false",
        (LakeType.String, JsonTokenType.StartObject or JsonTokenType.StartArray) => Json(ref reader, column),
        (LakeType.Int64, JsonTokenType.Number) => reader.GetInt64(),
        (LakeType.Timestamp, JsonTokenType.Number) => TimeKinds.Micros(reader.GetInt64(), form.Time, column.Name),
        (LakeType.Timestamp, JsonTokenType.String) => EnvelopeTimes.Micros(reader.GetString()!, column),
        (LakeType.Int32, JsonTokenType.Number) => reader.GetInt32(),
        (LakeType.Double, JsonTokenType.Number) => reader.GetDouble() is var number && double.IsFinite(number) ? number : throw Unsuited(column, "number beyond it"),
        (LakeType.Double, JsonTokenType.String) => EnvelopeDecimal.ReadText(reader.GetString()!, form, column),
        (LakeType.Double or LakeType.Int64 or LakeType.Int32, JsonTokenType.StartObject) => EnvelopeDecimal.ReadObject(ref reader, column) ?? throw Unsuited(column, "object"),
        (LakeType.Boolean, JsonTokenType.True or JsonTokenType.False) => reader.GetBoolean(),
        (LakeType.Date, JsonTokenType.Number) when form.Time is TimeKind.Unknown or TimeKind.Days => EnvelopeTimes.Day(reader.GetInt32(), column),
        (LakeType.Date, JsonTokenType.String) => EnvelopeTimes.Day(reader.GetString()!, column),
        (LakeType.Timestamp or LakeType.Date, JsonTokenType.StartObject) => EnvelopeTimes.ReadObject(ref reader, column),
        _ => throw Unsuited(column, reader.TokenType.ToString()),
    };

    private static EnvelopeException Unsuited(LakeColumn column, string what) => new($"column '{column.Name}' is {column.Type}, and the event has a {what}");

    // A number with its scale is plain digits, as in the mode that sends texts.
    private static string Json(ref Utf8JsonReader reader, LakeColumn column)
    {
        var whole = reader;
        if (reader.TokenType == JsonTokenType.StartObject && EnvelopeDecimal.ReadObject(ref reader, column) is string digits)
        {
            return digits;
        }

        reader = whole;
        return EnvelopeKey.Compact(ref reader);
    }
}
