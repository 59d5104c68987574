using System.Buffers.Binary;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FeatureStore.Ingest.Postgres.Values;

/// <summary>
/// PostgreSQL's text of a value as the JSON that Debezium's defaults make of it. Types that are not listed are texts as PostgreSQL prints them.
/// </summary>
internal static class PgValues
{
    private static readonly JsonWriterOptions InText = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>True for the types of plain texts, which are as PostgreSQL prints them.</summary>
    public static bool IsText(uint typeId) => typeId is PgTypes.Text or PgTypes.VarChar or PgTypes.Char;

    /// <summary>True for what <see cref="Write"/> throws if the text is none of the type.</summary>
    public static bool IsUnsuited(Exception e) => e is FormatException or OverflowException or ArgumentException or IndexOutOfRangeException or JsonException;

    /// <summary>Writes one value. A text that is none of the column's type is an error of <see cref="IsUnsuited"/>.</summary>
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
                json.WriteRawValue(PgNumbers.Floating(text, column.TypeId == PgTypes.Single), skipInputValidation: false);
                break;
            case PgTypes.Numeric:
                WriteNumeric(json, column, text);
                break;
            case PgTypes.Money:
                json.WriteBase64StringValue(PgNumbers.Hundredths(text).ToByteArray(isBigEndian: true));
                break;
            case PgTypes.Bytes:
                json.WriteBase64StringValue(Convert.FromHexString(text.AsSpan(2)));
                break;
            case PgTypes.Bit when column.Modifier == 1:
                json.WriteBooleanValue(text == "1");
                break;
            case PgTypes.Bit or PgTypes.BitVarying:
                json.WriteBase64StringValue(PgNumbers.Bits(text));
                break;
            case PgTypes.Point:
                WritePoint(json, text);
                break;
            case PgTypes.HStore:
                json.WriteStringValue(HStore(text));
                break;
            default:
                WriteTimeOrText(json, column, text);
                break;
        }
    }

    private static void WriteTimeOrText(Utf8JsonWriter json, SourceColumn column, string text)
    {
        switch (column.TypeId)
        {
            case PgTypes.Date:
                json.WriteNumberValue(PgTimes.Days(text));
                break;
            case PgTypes.Time:
                json.WriteNumberValue(PgTimes.OfDay(text, column.IsMillis));
                break;
            case PgTypes.TimeWithZone:
                json.WriteStringValue(PgTimes.OfDayIso(text));
                break;
            case PgTypes.Timestamp:
                json.WriteNumberValue(PgTimes.Count(text, column.IsMillis));
                break;
            case PgTypes.TimestampWithZone:
                json.WriteStringValue(PgTimes.Iso(text, column.TimeDigits));
                break;
            case PgTypes.Interval:
                json.WriteNumberValue(PgTimes.Interval(text));
                break;
            case var type when PgTypes.Element(type) is { } element:
                WriteList(json, column with { TypeId = element }, PgLists.Elements(text));
                break;
            default:
                json.WriteStringValue(text);
                break;
        }
    }

    private static void WriteList(Utf8JsonWriter json, SourceColumn element, List<object?> values)
    {
        json.WriteStartArray();
        foreach (var value in values)
        {
            switch (value)
            {
                case null:
                    json.WriteNullValue();
                    break;
                case string text:
                    Write(json, element, text);
                    break;
                default:
                    WriteList(json, element, (List<object?>)value);
                    break;
            }
        }

        json.WriteEndArray();
    }

    // With a declared scale the unscaled number's bytes, else an object that tells the scale; what is no number is null.
    private static void WriteNumeric(Utf8JsonWriter json, SourceColumn column, string text)
    {
        if (text is "NaN" or "Infinity" or "-Infinity")
        {
            json.WriteNullValue();
            return;
        }

        var (unscaled, scale) = PgNumbers.Decimal(text);
        if (column.Scale is { } declared)
        {
            json.WriteBase64StringValue(PgNumbers.Rescaled(unscaled, scale, declared).ToByteArray(isBigEndian: true));
            return;
        }

        json.WriteStartObject();
        json.WriteNumber("scale", unscaled.IsZero ? 0 : scale);
        json.WriteBase64String("value", unscaled.ToByteArray(isBigEndian: true));
        json.WriteEndObject();
    }

    // (x,y), with the well-known binary form of the Open Geospatial Consortium beside it.
    private static void WritePoint(Utf8JsonWriter json, string text)
    {
        const int PointBytes = 21;
        var parts = text.Trim('(', ')').Split(',');
        if (parts.Length != 2)
        {
            throw new FormatException("No point.");
        }

        Span<byte> wkb = stackalloc byte[PointBytes];
        wkb[0] = 1; // Least byte first.
        wkb[1] = 1; // A point.
        json.WriteStartObject();
        for (var i = 0; i < parts.Length; i++)
        {
            BinaryPrimitives.WriteDoubleLittleEndian(wkb[(5 + (8 * i))..], double.Parse(parts[i], CultureInfo.InvariantCulture));
            json.WritePropertyName(i == 0 ? "x" : "y");
            Write(json, new SourceColumn(string.Empty, PgTypes.Double, -1, false), parts[i]);
        }

        json.WriteBase64String("wkb", wkb);
        json.WriteNull("srid");
        json.WriteEndObject();
    }

    private static string HStore(string text)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, InText))
        {
            json.WriteStartObject();
            foreach (var (key, value) in PgLists.Pairs(text))
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }
}
