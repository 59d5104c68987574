using System.Globalization;
using System.Text;
using System.Text.Json;

namespace FeatureStore.OfflineStore.Tests.Lake;

/// <summary>JSON values as one text each, equal when the values are: integers digit by digit, other numbers as doubles, members by name.</summary>
internal static class CanonicalJson
{
    /// <summary>An object's values in its order.</summary>
    public static string Row(string json)
    {
        using var document = JsonDocument.Parse(json);
        return Row(document.RootElement.EnumerateObject().Select(m => m.Value));
    }

    public static string Row(IEnumerable<JsonElement> cells) => string.Join('|', cells.Select(Text));

    private static string Text(JsonElement value)
    {
        var text = new StringBuilder();
        Write(value, text);
        return text.ToString();
    }

    private static void Write(JsonElement value, StringBuilder text)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Array:
                text.Append('[');
                foreach (var item in value.EnumerateArray())
                {
                    Write(item, text);
                    text.Append(',');
                }

                text.Append(']');
                break;
            case JsonValueKind.Object:
                text.Append('{');
                foreach (var member in value.EnumerateObject().OrderBy(m => m.Name, StringComparer.Ordinal))
                {
                    text.Append(JsonSerializer.Serialize(member.Name)).Append(':');
                    Write(member.Value, text);
                    text.Append(',');
                }

                text.Append('}');
                break;
            case JsonValueKind.Number when value.GetRawText().AsSpan().IndexOfAny(".eE") >= 0:
                text.Append(value.GetDouble().ToString("R", CultureInfo.InvariantCulture));
                break;
            case JsonValueKind.String:
                text.Append(JsonSerializer.Serialize(value.GetString()));
                break;
            default:
                text.Append(value.GetRawText());
                break;
        }
    }
}
