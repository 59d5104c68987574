using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FeatureStore.Registry.Definitions;
using FeatureStore.Registry.Files;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Registry.Snapshot;

/// <summary>
/// What an aggregated view computes, as the JSON of one tag, since Feast's messages have no field for it. The text is
/// the same for the same definition, so that an unchanged repo changes nothing.
/// </summary>
internal static class AggregatedJson
{
    /// <summary>The tag's name; stored, never to be changed.</summary>
    public const string Tag = "fstore.aggregations";

    /// <summary>The functions, as definitions and the tag name them.</summary>
    public static readonly IReadOnlyList<string> Functions = ["count", "sum", "mean", "min", "max", "count_distinct"];

    public static string Write(AggregatedModel model)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes))
        {
            writer.WriteStartObject();
            writer.WriteString("source", model.SourcePath);
            writer.WriteString("event_time", model.EventTimeColumn);
            writer.WriteString("window", DurationText.Format(model.Window));
            writer.WriteString("empty_window", model.EmptyWindowZero ? "zero" : "skip");
            writer.WriteStartArray("aggregations");
            foreach (var aggregation in model.Aggregations)
            {
                writer.WriteStartObject();
                writer.WriteString("name", aggregation.Name);
                writer.WriteString("function", aggregation.Function);
                writer.WriteString("column", aggregation.Column);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <exception cref="RegistryException">The tag does not say what <see cref="Write"/> writes.</exception>
    public static AggregatedModel Read(string json, string view)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            var aggregations = root.GetProperty("aggregations").EnumerateArray()
                .Select(a => new AggregationModel(Text(a, "name"), Text(a, "function"), Text(a, "column")))
                .ToArray();
            var unknown = aggregations.FirstOrDefault(a => !Functions.Contains(a.Function));
            var empty = Text(root, "empty_window");
            if (unknown is not null || aggregations.Length == 0 || empty is not ("zero" or "skip")
                || !DurationText.TryParse(Text(root, "window"), out var window) || window <= TimeSpan.Zero)
            {
                throw new JsonException(unknown is null ? "its window or aggregations are wrong" : $"it asks for the function '{unknown.Function}'");
            }

            return new AggregatedModel(Text(root, "source"), Text(root, "event_time"), window, empty == "zero", aggregations);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new RegistryException($"The tag {Tag} of feature view '{view}' cannot be read: {e.Message.TrimEnd('.')}. Run 'fstore apply' to write it again.", e);
        }
    }

    /// <summary>The keys, and the aggregations by name, in which two texts of the tag differ; null for no tag.</summary>
    public static IReadOnlyList<FieldChange> Compare(string? before, string? after)
    {
        var (old, next) = (Parts(before), Parts(after));
        return
        [
            .. old.Keys.Concat(next.Keys).Distinct()
                .Select(k => new FieldChange(k, old.GetValueOrDefault(k), next.GetValueOrDefault(k)))
                .Where(c => c.Before != c.After),
        ];
    }

    private static Dictionary<string, string> Parts(string? json)
    {
        var parts = new Dictionary<string, string>();
        try
        {
            foreach (var (key, value) in json is null ? [] : JsonNode.Parse(json)?.AsObject() ?? [])
            {
                if (value is JsonArray aggregations)
                {
                    foreach (var one in aggregations)
                    {
                        parts[$"{key}.{one?["name"]}"] = $"{one?["function"]}({one?["column"]})";
                    }
                }
                else
                {
                    parts[key] = value?.ToString() ?? string.Empty;
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            parts[Tag] = json!;
        }

        return parts;
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? throw new JsonException($"'{name}' is null");
}
