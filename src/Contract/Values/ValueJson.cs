using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Feast.Types;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Kind = Feast.Types.Value.ValOneofCase;

namespace FeatureStore.Contract.Values;

/// <summary>
/// Values as Feast's HTTP server prints them: numbers bare with int64 unquoted, floats widened to double, bytes in
/// base64, timestamps as whole seconds, <c>json_val</c> as the text it is, NaN and infinities as texts, null for what is
/// unset and for scalar maps.
/// </summary>
public static partial class ValueJson
{
    /// <summary>Options of a writer that leaves text unescaped as Feast does; others give equal JSON in longer form.</summary>
    public static JsonWriterOptions WriterOptions { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One value as JSON text.</summary>
    /// <exception cref="ValueJsonException">The value has no JSON form.</exception>
    public static string Text(Value value)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, WriterOptions))
        {
            Write(writer, value);
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary>Writes one value where the writer expects one.</summary>
    /// <exception cref="ValueJsonException">
    /// The value has no JSON form: its time or zone is out of reach. What the writer holds by then is incomplete and must be dropped.
    /// </exception>
    public static void Write(Utf8JsonWriter writer, Value value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(value);
        switch (value.ValCase)
        {
            case Kind.None:
            case Kind.NullVal:
            case Kind.ScalarMapVal:
                writer.WriteNullValue();
                break;
            case Kind.BytesVal:
                WriteBytes(writer, value.BytesVal);
                break;
            case Kind.Int32Val:
                writer.WriteNumberValue(value.Int32Val);
                break;
            case Kind.Int64Val:
                writer.WriteNumberValue(value.Int64Val);
                break;
            case Kind.UnixTimestampVal:
                writer.WriteNumberValue(value.UnixTimestampVal);
                break;
            case Kind.DoubleVal:
                WriteDouble(writer, value.DoubleVal);
                break;
            case Kind.FloatVal:
                WriteDouble(writer, value.FloatVal);
                break;
            case Kind.BoolVal:
                writer.WriteBooleanValue(value.BoolVal);
                break;
            case Kind.ZonedTimestampVal:
                WriteZoned(writer, value.ZonedTimestampVal);
                break;
            default:
                WriteTextOrMany(writer, value);
                break;
        }
    }

    private static void WriteTextOrMany(Utf8JsonWriter writer, Value value)
    {
        switch (value.ValCase)
        {
            case Kind.StringVal:
                writer.WriteStringValue(value.StringVal);
                break;
            case Kind.JsonVal:
                writer.WriteStringValue(value.JsonVal);
                break;
            case Kind.UuidVal:
                writer.WriteStringValue(value.UuidVal);
                break;
            case Kind.TimeUuidVal:
                writer.WriteStringValue(value.TimeUuidVal);
                break;
            case Kind.DecimalVal:
                writer.WriteStringValue(value.DecimalVal);
                break;
            case Kind.MapVal:
                WriteMap(writer, value.MapVal);
                break;
            case Kind.StructVal:
                WriteMap(writer, value.StructVal);
                break;
            case Kind.MapListVal:
                WriteMany(writer, value.MapListVal.Val, WriteMap);
                break;
            case Kind.StructListVal:
                WriteMany(writer, value.StructListVal.Val, WriteMap);
                break;
            case Kind.ListVal:
                WriteMany(writer, value.ListVal.Val, Write);
                break;
            case Kind.SetVal:
                WriteMany(writer, value.SetVal.Val, Write);
                break;
            default:
                WriteScalars(writer, value);
                break;
        }
    }

    private static void WriteScalars(Utf8JsonWriter writer, Value value)
    {
        if (Texts(value) is { } texts)
        {
            WriteMany(writer, texts, static (w, v) => w.WriteStringValue(v));
        }
        else if (Longs(value) is { } longs)
        {
            WriteMany(writer, longs, static (w, v) => w.WriteNumberValue(v));
        }
        else if ((value.Int32ListVal?.Val ?? value.Int32SetVal?.Val) is { } ints)
        {
            WriteMany(writer, ints, static (w, v) => w.WriteNumberValue(v));
        }
        else if ((value.DoubleListVal?.Val ?? value.DoubleSetVal?.Val) is { } doubles)
        {
            WriteMany(writer, doubles, WriteDouble);
        }
        else if ((value.FloatListVal?.Val ?? value.FloatSetVal?.Val) is { } floats)
        {
            WriteMany(writer, floats, static (w, v) => WriteDouble(w, v));
        }
        else if ((value.BoolListVal?.Val ?? value.BoolSetVal?.Val) is { } truths)
        {
            WriteMany(writer, truths, static (w, v) => w.WriteBooleanValue(v));
        }
        else if ((value.BytesListVal?.Val ?? value.BytesSetVal?.Val) is { } blobs)
        {
            WriteMany(writer, blobs, WriteBytes);
        }
        else
        {
            throw new ValueJsonException($"A value of kind {value.ValCase} has no JSON form here; ask for it over gRPC.");
        }
    }

    private static RepeatedField<string>? Texts(Value value) => value.ValCase switch
    {
        Kind.StringListVal => value.StringListVal.Val,
        Kind.StringSetVal => value.StringSetVal.Val,
        Kind.JsonListVal => value.JsonListVal.Val,
        Kind.UuidListVal => value.UuidListVal.Val,
        Kind.UuidSetVal => value.UuidSetVal.Val,
        Kind.TimeUuidListVal => value.TimeUuidListVal.Val,
        Kind.TimeUuidSetVal => value.TimeUuidSetVal.Val,
        Kind.DecimalListVal => value.DecimalListVal.Val,
        Kind.DecimalSetVal => value.DecimalSetVal.Val,
        _ => null,
    };

    private static RepeatedField<long>? Longs(Value value) => value.ValCase switch
    {
        Kind.Int64ListVal => value.Int64ListVal.Val,
        Kind.Int64SetVal => value.Int64SetVal.Val,
        Kind.UnixTimestampListVal => value.UnixTimestampListVal.Val,
        Kind.UnixTimestampSetVal => value.UnixTimestampSetVal.Val,
        _ => null,
    };

    private static void WriteMany<T>(Utf8JsonWriter writer, RepeatedField<T> items, Action<Utf8JsonWriter, T> write)
    {
        writer.WriteStartArray();
        foreach (var item in items)
        {
            write(writer, item);
        }

        writer.WriteEndArray();
    }

    private static void WriteMap(Utf8JsonWriter writer, Map map)
    {
        writer.WriteStartObject();
        foreach (var (name, value) in map.Val)
        {
            writer.WritePropertyName(name);
            Write(writer, value);
        }

        writer.WriteEndObject();
    }

    private static void WriteBytes(Utf8JsonWriter writer, ByteString bytes) => writer.WriteBase64StringValue(bytes.Span);

    private static void WriteDouble(Utf8JsonWriter writer, double value)
    {
        if (double.IsFinite(value))
        {
            writer.WriteRawValue(FloatText.Format(value), skipInputValidation: true);
        }
        else
        {
            // Feast 0.67; its predecessor failed the whole answer.
            writer.WriteStringValue(double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
        }
    }

    private static void WriteZoned(Utf8JsonWriter writer, ZonedTimestamp time)
    {
        if (time.UnixTimestamp == ZonedTime.NullSeconds)
        {
            writer.WriteNullValue();
            return;
        }

        writer.WriteStringValue(ZonedTime.Format(time.UnixTimestamp, time.Zone));
    }
}

/// <summary>A value has no JSON form; the message names it and the way out.</summary>
public sealed class ValueJsonException(string message) : Exception(message);
