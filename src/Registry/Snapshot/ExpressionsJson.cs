using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FeatureStore.Registry.Files;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Registry.Snapshot;

/// <summary>The expressions of an on-demand view as the JSON of one tag, since Feast's messages have no field for them. The same definition gives the same text.</summary>
internal static class ExpressionsJson
{
    /// <summary>The tag's name; stored, never to be changed.</summary>
    public const string Tag = "fstore.expressions";

    // Texts are read by people too: only what JSON must escape is escaped.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(IEnumerable<(string Name, string Text)> features)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, Options))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("features");
            foreach (var (name, text) in features)
            {
                writer.WriteStartObject();
                writer.WriteString("name", name);
                writer.WriteString("expr", text);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary>The expression of each feature, by name.</summary>
    /// <exception cref="RegistryException">The tag does not say what <see cref="Write"/> writes.</exception>
    public static IReadOnlyDictionary<string, string> Read(string json, string view)
    {
        try
        {
            return Parts(json);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new RegistryException($"The tag {Tag} of on-demand feature view '{view}' cannot be read: {e.Message.TrimEnd('.')}. Run 'fstore apply' to write it again.", e);
        }
    }

    /// <summary>The features whose expressions differ in two texts of the tag; null for no tag.</summary>
    public static IReadOnlyList<FieldChange> Compare(string? before, string? after)
    {
        var (old, next) = (Shown(before), Shown(after));
        return
        [
            .. old.Keys.Concat(next.Keys).Distinct()
                .Select(k => new FieldChange($"features.{k}.expr", old.GetValueOrDefault(k), next.GetValueOrDefault(k)))
                .Where(c => c.Before != c.After),
        ];
    }

    private static Dictionary<string, string> Shown(string? json)
    {
        try
        {
            return json is null ? [] : Parts(json);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return new Dictionary<string, string> { [Tag] = json! };
        }
    }

    private static Dictionary<string, string> Parts(string json)
    {
        using var document = JsonDocument.Parse(json);
        var parts = new Dictionary<string, string>();
        foreach (var feature in document.RootElement.GetProperty("features").EnumerateArray())
        {
            parts[Text(feature, "name")] = Text(feature, "expr");
        }

        return parts;
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? throw new JsonException($"'{name}' is null");
}
