using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace FeatureStore.Ingest.Postgres;

/// <summary>A column of a source table, as pgoutput and the catalogue tell it.</summary>
/// <param name="TypeId">OID of the type.</param>
/// <param name="Modifier">The type's modifier, -1 for none.</param>
internal sealed record SourceColumn(string Name, uint TypeId, int Modifier, bool IsKey)
{
    private const int NumericHeader = 4; // PostgreSQL adds it to the modifier of numeric.
    private const int MillisecondDigits = 3;
    private const int MicrosecondDigits = 6;

    /// <summary>Digits after the point of a numeric with a declared scale; null for others.</summary>
    public int? Scale => TypeId == PgTypes.Numeric && Modifier >= NumericHeader ? (short)((((Modifier - NumericHeader) & 0x7ff) ^ 1024) - 1024) : null;

    /// <summary>True for a timestamp that Debezium counts in milliseconds.</summary>
    public bool IsMillis => TypeId == PgTypes.Timestamp && Modifier is >= 0 and <= MillisecondDigits;

    /// <summary>Digits of a second.</summary>
    public int TimeDigits => Modifier is >= 0 and <= MicrosecondDigits ? Modifier : MicrosecondDigits;
}

/// <summary>OIDs of PostgreSQL's own types, which never change.</summary>
internal static class PgTypes
{
    public const uint Boolean = 16;
    public const uint Bytes = 17;
    public const uint Int64 = 20;
    public const uint Int16 = 21;
    public const uint Int32 = 23;
    public const uint Oid = 26;
    public const uint Single = 700;
    public const uint Double = 701;
    public const uint Date = 1082;
    public const uint Timestamp = 1114;
    public const uint TimestampWithZone = 1184;
    public const uint Numeric = 1700;
}

/// <summary>
/// PostgreSQL's text of a value as the JSON that Debezium's defaults make of it. Types that are not listed are texts as PostgreSQL prints them.
/// </summary>
internal static class PgValues
{
    public static void Write(Utf8JsonWriter json, SourceColumn column, string text)
    {
        switch (column.TypeId)
        {
            case PgTypes.Boolean:
                json.WriteBooleanValue(text == "t");
                break;
            case PgTypes.Int16 or PgTypes.Int32 or PgTypes.Int64 or PgTypes.Oid:
                json.WriteNumberValue(long.Parse(text, CultureInfo.InvariantCulture));
                break;
            case PgTypes.Single or PgTypes.Double when text is not ("NaN" or "Infinity" or "-Infinity"):
                json.WriteRawValue(text, skipInputValidation: false);
                break;
            case PgTypes.Numeric:
                WriteNumeric(json, column, text);
                break;
            case PgTypes.Bytes:
                json.WriteBase64StringValue(Convert.FromHexString(text.AsSpan(2)));
                break;
            case PgTypes.Date:
                json.WriteNumberValue(PgTimes.Days(text));
                break;
            case PgTypes.Timestamp:
                json.WriteNumberValue(PgTimes.Count(text, column.IsMillis));
                break;
            case PgTypes.TimestampWithZone:
                json.WriteStringValue(PgTimes.Iso(text, column.TimeDigits));
                break;
            default:
                json.WriteStringValue(text);
                break;
        }
    }

    // With a declared scale the unscaled number's bytes, else an object that tells the scale; what is no number is null.
    private static void WriteNumeric(Utf8JsonWriter json, SourceColumn column, string text)
    {
        if (text is "NaN" or "Infinity" or "-Infinity")
        {
            json.WriteNullValue();
            return;
        }

        var point = text.IndexOf('.', StringComparison.Ordinal);
        var scale = point < 0 ? 0 : text.Length - point - 1;
        var unscaled = BigInteger.Parse(text.Replace(".", string.Empty, StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (column.Scale is { } declared)
        {
            json.WriteBase64StringValue(Rescaled(unscaled, scale, declared).ToByteArray(isBigEndian: true));
            return;
        }

        json.WriteStartObject();
        json.WriteNumber("scale", unscaled.IsZero ? 0 : scale);
        json.WriteBase64String("value", unscaled.ToByteArray(isBigEndian: true));
        json.WriteEndObject();
    }

    private static BigInteger Rescaled(BigInteger unscaled, int from, int to) =>
        to >= from ? unscaled * BigInteger.Pow(10, to - from) : unscaled / BigInteger.Pow(10, from - to);
}
