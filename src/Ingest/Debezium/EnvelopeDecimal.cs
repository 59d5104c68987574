using System.Globalization;
using System.Numerics;
using System.Text.Json;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Debezium;

/// <summary>
/// Exact numbers as Connect writes them: the unscaled value as big-endian bytes in base64, whose scale the schema tells, or the event itself
/// as <c>{"scale":2,"value":"AeJA"}</c>; or plain digits.
/// </summary>
internal static class EnvelopeDecimal
{
    // PostgreSQL's numeric has at most 131,072 digits before the point and 16,383 after it.
    private const int ScaleMax = 16_383;
    private const int UnscaledBytesMax = 1 << 16;
    private const int Base64Quantum = 4;

    /// <summary>The number of a JSON text whose scale is known.</summary>
    public static object Read(ref Utf8JsonReader reader, int scale, LakeColumn column) =>
        reader.TryGetBytesFromBase64(out var bytes) && bytes.Length is > 0 and <= UnscaledBytesMax
            ? Convert(new BigInteger(bytes, isBigEndian: true), scale, column)
            : throw new EnvelopeException($"column '{column.Name}' is a number in bytes by its schema or declaration, and the event has other text");

    /// <summary>An object of scale and value; null if it is another object, whose end is then reached.</summary>
    public static object? ReadObject(ref Utf8JsonReader reader, LakeColumn column)
    {
        int? scale = null;
        byte[]? bytes = null;
        var members = 0;
        for (EnvelopeReader.Next(ref reader); reader.TokenType != JsonTokenType.EndObject; EnvelopeReader.Next(ref reader))
        {
            members++;
            var (isScale, isValue) = (reader.ValueTextEquals("scale"), reader.ValueTextEquals("value"));
            EnvelopeReader.Next(ref reader);
            if (isScale && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var number) && Math.Abs(number) <= ScaleMax)
            {
                scale = number;
            }
            else if (isValue && reader.TokenType == JsonTokenType.String && reader.TryGetBytesFromBase64(out var unscaled) && unscaled.Length is > 0 and <= UnscaledBytesMax)
            {
                bytes = unscaled;
            }

            reader.Skip();
        }

        return members == 2 && scale is { } s && bytes is not null ? Convert(new BigInteger(bytes, isBigEndian: true), s, column) : null;
    }

    /// <summary>
    /// A text as a floating number. Digits alone may be base64 just as well: without a schema they are refused, since reading 0.07 as 1000 would be worse.
    /// </summary>
    public static double ReadText(string text, ColumnForm form, LakeColumn column)
    {
        switch (text)
        {
            case "NaN" or "NAN":
                return double.NaN;
            case "Infinity" or "POSITIVE_INFINITY":
                return double.PositiveInfinity;
            case "-Infinity" or "NEGATIVE_INFINITY":
                return double.NegativeInfinity;
        }

        if (!double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var number))
        {
            throw new EnvelopeException(
                $"column '{column.Name}' is {column.Type}, and the event has other text; if it is a number in bytes, send schemas, or declare its scale under fstore.ingest.decimal_scales");
        }

        if (!double.IsFinite(number))
        {
            throw new EnvelopeException($"column '{column.Name}' is Double, and the event has a number beyond it");
        }

        return form.IsText || text.Length % Base64Quantum != 0 || text.AsSpan().ContainsAny('.', '-')
            ? number
            : throw new EnvelopeException(
                $"column '{column.Name}' may be digits or bytes, and the event has no schema to tell; send schemas, or set decimal.handling.mode to double");
    }

    /// <summary>Digits of a number in a text column, as PostgreSQL prints them: all of its scale.</summary>
    private static string Digits(BigInteger unscaled, int scale)
    {
        if (scale <= 0)
        {
            return (unscaled * BigInteger.Pow(10, -scale)).ToString(CultureInfo.InvariantCulture);
        }

        var digits = BigInteger.Abs(unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        return $"{(unscaled.Sign < 0 ? "-" : string.Empty)}{digits[..^scale]}.{digits[^scale..]}";
    }

    private static object Convert(BigInteger unscaled, int scale, LakeColumn column)
    {
        switch (column.Type)
        {
            case LakeType.String:
                return Digits(unscaled, scale);
            case LakeType.Double:
                return double.Parse(Digits(unscaled, scale), CultureInfo.InvariantCulture) is var number && double.IsFinite(number)
                    ? number
                    : throw new EnvelopeException($"column '{column.Name}' is Double, and the event has a number beyond it");
            case LakeType.Int64 or LakeType.Int32:
                var whole = scale <= 0 ? unscaled * BigInteger.Pow(10, -scale) : BigInteger.DivRem(unscaled, BigInteger.Pow(10, scale), out var rest) is var q && rest.IsZero ? q : (BigInteger?)null;
                if (whole is { } n && column.Type == LakeType.Int64 && n >= long.MinValue && n <= long.MaxValue)
                {
                    return (long)n;
                }

                return whole is { } i && column.Type == LakeType.Int32 && i >= int.MinValue && i <= int.MaxValue
                    ? (int)i
                    : throw new EnvelopeException($"column '{column.Name}' is {column.Type}, and the event has a number that it cannot hold");
            default:
                throw new EnvelopeException($"column '{column.Name}' is {column.Type}, and the event has a number in bytes");
        }
    }
}
