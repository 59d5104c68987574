using System.Globalization;
using System.Text.Json;
using FeatureStore.Scoring.Runtime;
using FeatureStore.Scoring.Scores;

namespace FeatureStore.Scoring.Receipts;

/// <summary>Typed columns and outputs in a receipt: <c>{"name", "type", "values"}</c>, outputs with their <c>shape</c>.</summary>
internal static class ReceiptValues
{
    public static void Write(Utf8JsonWriter writer, IReadOnlyList<FeatureColumn> features)
    {
        writer.WriteStartArray("features"u8);
        foreach (var feature in features)
        {
            writer.WriteStartObject();
            writer.WriteString("name"u8, feature.Name);
            writer.WriteString("type"u8, Name(feature.Type));
            writer.WriteStartArray("values"u8);
            for (var row = 0; row < feature.Rows; row++)
            {
                if (feature.IsNull(row))
                {
                    writer.WriteNullValue();
                }
                else
                {
                    WriteValue(writer, feature.Type, feature.AllValues, row);
                }
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    public static void Write(Utf8JsonWriter writer, IReadOnlyList<Tensor> outputs)
    {
        writer.WriteStartArray("outputs"u8);
        foreach (var output in outputs)
        {
            writer.WriteStartObject();
            writer.WriteString("name"u8, output.Name);
            writer.WriteString("type"u8, Name(output.Type));
            writer.WriteStartArray("shape"u8);
            foreach (var length in output.Shape)
            {
                writer.WriteNumberValue(length);
            }

            writer.WriteEndArray();
            writer.WriteStartArray("values"u8);
            for (var i = 0; i < output.Values.Length; i++)
            {
                WriteValue(writer, output.Type, output.Values, i);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    public static FeatureColumn[] ReadFeatures(JsonElement root, int rows)
    {
        FeatureColumn[] features = [.. root.GetProperty("features").EnumerateArray().Select(Feature)];
        return features.All(f => f.Rows == rows) ? features : throw new FormatException($"A feature has another number of values than the {rows} rows.");
    }

    public static Tensor[] ReadOutputs(JsonElement root) => [.. root.GetProperty("outputs").EnumerateArray().Select(Output)];

    /// <summary>Whether two outputs have the same bits in every value; all NaN are one.</summary>
    public static bool SameBits(Tensor a, Tensor b)
    {
        if (a.Name != b.Name || a.Type != b.Type || !a.Shape.SequenceEqual(b.Shape))
        {
            return false;
        }

        return a.Type switch
        {
            TensorType.Float => a.Span<float>().ToArray().Zip(b.Span<float>().ToArray()).All(p => BitConverter.SingleToInt32Bits(p.First) == BitConverter.SingleToInt32Bits(p.Second) || (float.IsNaN(p.First) && float.IsNaN(p.Second))),
            TensorType.Double => a.Span<double>().ToArray().Zip(b.Span<double>().ToArray()).All(p => BitConverter.DoubleToInt64Bits(p.First) == BitConverter.DoubleToInt64Bits(p.Second) || (double.IsNaN(p.First) && double.IsNaN(p.Second))),
            _ => a.Values.Cast<object>().SequenceEqual(b.Values.Cast<object>()),
        };
    }

    private static string Name(TensorType type) => type.ToString().ToLowerInvariant();

    // By the declared type: to the runtime a long[] is a ulong[] too.
    private static void WriteValue(Utf8JsonWriter writer, TensorType type, Array values, int at)
    {
        switch (type)
        {
            case TensorType.Float:
                WriteNumber(writer, ((float[])values)[at], float.IsFinite(((float[])values)[at]));
                break;
            case TensorType.Double:
                WriteNumber(writer, ((double[])values)[at], double.IsFinite(((double[])values)[at]));
                break;
            case TensorType.Float16:
                WriteNumber(writer, ((Half[])values)[at], Half.IsFinite(((Half[])values)[at]));
                break;
            case TensorType.Bool:
                writer.WriteBooleanValue(((bool[])values)[at]);
                break;
            case TensorType.String:
                writer.WriteStringValue(((string[])values)[at]);
                break;
            default:
                writer.WriteRawValue(Convert.ToString(values.GetValue(at), CultureInfo.InvariantCulture)!);
                break;
        }
    }

    // The writer writes the shortest text that reads back to the same number of that type, as ToString does.
    private static void WriteNumber<T>(Utf8JsonWriter writer, T value, bool isFinite)
        where T : IFormattable
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        if (isFinite)
        {
            writer.WriteRawValue(text);
        }
        else
        {
            writer.WriteStringValue(text);
        }
    }

    private static FeatureColumn Feature(JsonElement element)
    {
        var name = element.GetProperty("name").GetString()!;
        JsonElement[] values = [.. element.GetProperty("values").EnumerateArray()];
        bool[]? nulls = Array.Exists(values, v => v.ValueKind == JsonValueKind.Null) ? Array.ConvertAll(values, v => v.ValueKind == JsonValueKind.Null) : null;
        return element.GetProperty("type").GetString() switch
        {
            "double" => FeatureColumn.Of(name, Array.ConvertAll(values, v => Number(v, double.Parse)), nulls),
            "float" => FeatureColumn.Of(name, Array.ConvertAll(values, v => Number(v, float.Parse)), nulls),
            "int64" => FeatureColumn.Of(name, Array.ConvertAll(values, v => Number(v, long.Parse)), nulls),
            "int32" => FeatureColumn.Of(name, Array.ConvertAll(values, v => Number(v, int.Parse)), nulls),
            "bool" => FeatureColumn.Of(name, Array.ConvertAll(values, Truth), nulls),
            "string" => FeatureColumn.Of(name, Array.ConvertAll(values, v => v.GetString() ?? string.Empty), nulls),
            _ => throw new FormatException($"Feature '{name}' is of a type that no feature has."),
        };
    }

    private static Tensor Output(JsonElement element)
    {
        var name = element.GetProperty("name").GetString()!;
        long[] shape = [.. element.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
        JsonElement[] values = [.. element.GetProperty("values").EnumerateArray()];
        return element.GetProperty("type").GetString() switch
        {
            "float" => Tensor.Of(name, shape, Array.ConvertAll(values, v => Number(v, float.Parse))),
            "double" => Tensor.Of(name, shape, Array.ConvertAll(values, v => Number(v, double.Parse))),
            "float16" => Tensor.Of(name, shape, Array.ConvertAll(values, v => Number(v, Half.Parse))),
            "int64" => Tensor.Of(name, shape, Array.ConvertAll(values, v => Number(v, long.Parse))),
            "int32" => Tensor.Of(name, shape, Array.ConvertAll(values, v => Number(v, int.Parse))),
            "int16" => Tensor.Of(name, shape, Array.ConvertAll(values, v => Number(v, short.Parse))),
            "int8" => Tensor.Of(name, shape, Array.ConvertAll(values, v => Number(v, sbyte.Parse))),
            "uint64" => Tensor.Of(name, shape, Array.ConvertAll(values, v => Number(v, ulong.Parse))),
            "uint32" => Tensor.Of(name, shape, Array.ConvertAll(values, v => Number(v, uint.Parse))),
            "uint16" => Tensor.Of(name, shape, Array.ConvertAll(values, v => Number(v, ushort.Parse))),
            "uint8" => Tensor.Of(name, shape, Array.ConvertAll(values, v => Number(v, byte.Parse))),
            "bool" => Tensor.Of(name, shape, Array.ConvertAll(values, Truth)),
            "string" => Tensor.Of(name, shape, Array.ConvertAll(values, v => v.GetString() ?? string.Empty)),
            _ => throw new FormatException($"Output '{name}' is of an unknown type."),
        };
    }

    private static bool Truth(JsonElement value) => value.ValueKind != JsonValueKind.Null && value.GetBoolean();

    // Parsed as what it is: a float by way of a double could round twice.
    private static T Number<T>(JsonElement value, Func<string, NumberStyles, IFormatProvider, T> parse)
        where T : struct => value.ValueKind switch
        {
            JsonValueKind.Null => default,
            JsonValueKind.String => parse(value.GetString()!, NumberStyles.Float, CultureInfo.InvariantCulture),
            _ => parse(value.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture),
        };
}
