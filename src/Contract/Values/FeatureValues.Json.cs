using System.Globalization;
using System.Text;
using System.Text.Json;

namespace FeatureStore.Contract.Values;

/// <summary>JSON: what requests send, and what a <c>json_val</c> holds.</summary>
public static partial class FeatureValues
{
    private const int JsonDepthMax = 64;

    /// <summary>A request's JSON as plain values: a number with a point or an exponent is a double, another a long, or a decimal beyond that.</summary>
    /// <exception cref="FeatureValueException">A number is beyond every type, or a text holds half of a surrogate pair.</exception>
    public static object? FromJson(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Null or JsonValueKind.Undefined:
                return null;
            case JsonValueKind.True or JsonValueKind.False:
                return element.GetBoolean();
            case JsonValueKind.String:
                return JsonText(element);
            case JsonValueKind.Array:
                return element.EnumerateArray().Select(FromJson).ToArray();
            case JsonValueKind.Object:
                var members = new Dictionary<string, object?>();
                foreach (var member in element.EnumerateObject())
                {
                    members[member.Name] = FromJson(member.Value);
                }

                return members;
            default:
                var isFloat = element.GetRawText().AsSpan().IndexOfAny('.', 'e', 'E') >= 0;
                return isFloat ? element.GetDouble()
                    : element.TryGetInt64(out var number) ? (object)number
                    : element.TryGetDecimal(out var large) ? large
                    : throw new FeatureValueException("An integer has more digits than any type holds; send it as text.");
        }
    }

    private static object? FromText(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = JsonDepthMax });
            return FromJson(document.RootElement);
        }
        catch (JsonException e)
        {
            throw new FeatureValueException($"A text for a map is no JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine}); send an object, or its JSON text.");
        }
    }

    private static string JsonText(JsonElement element)
    {
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new FeatureValueException("A text holds half of a surrogate pair; send valid Unicode text.");
        }
    }

    // Text is kept as it is written, if it is JSON; other values are written as Python's json.dumps does.
    private static string Json(object? value)
    {
        if (value is not string text)
        {
            var written = new StringBuilder();
            Dump(written, value);
            return written.ToString();
        }

        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = JsonDepthMax });
            return text;
        }
        catch (JsonException e)
        {
            throw new FeatureValueException($"A text for type JSON is no JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine}); mend it, or declare the feature a String.");
        }
    }

    private static void Dump(StringBuilder text, object? value)
    {
        switch (value)
        {
            case null:
                text.Append("null");
                break;
            case bool truth:
                text.Append(truth ? "true" : "false");
                break;
            case double or float:
                text.Append(FloatText.Format(Convert.ToDouble(value, CultureInfo.InvariantCulture)) switch
                {
                    "nan" => "NaN",
                    "inf" => "Infinity",
                    "-inf" => "-Infinity",
                    var number => number,
                });
                break;
            case string inner:
                Quote(text, inner);
                break;
            case IReadOnlyList<object?> list:
                DumpMany(text, '[', ']', list, Dump);
                break;
            case IReadOnlyDictionary<string, object?> members:
                DumpMany(text, '{', '}', members, static (t, member) =>
                {
                    Quote(t, member.Key);
                    t.Append(": ");
                    Dump(t, member.Value);
                });
                break;
            case int or long or decimal:
                text.Append(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
            default:
                throw Refuse(value, Feast.Types.ValueType.Types.Enum.Json, "send JSON");
        }
    }

    private static void DumpMany<T>(StringBuilder text, char open, char close, IEnumerable<T> items, Action<StringBuilder, T> dump)
    {
        text.Append(open);
        var first = true;
        foreach (var item in items)
        {
            if (!first)
            {
                text.Append(", ");
            }

            first = false;
            dump(text, item);
        }

        text.Append(close);
    }

    // ASCII only, as json.dumps writes by default.
    private static void Quote(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (var c in value)
        {
            _ = c switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append("\\\\"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                '\b' => text.Append("\\b"),
                '\f' => text.Append("\\f"),
                < ' ' or > '~' => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => text.Append(c),
            };
        }

        text.Append('"');
    }
}
