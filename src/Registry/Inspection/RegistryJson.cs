using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Inspection;

/// <summary>A registry as the JSON that <c>feast registry-dump</c> prints: protobuf's JSON, keys in order, lists by name.</summary>
public static class RegistryJson
{
    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly JsonSerializerOptions Indented = new(Compact) { WriteIndented = true };

    private static readonly JsonFormatter Formatter = new(new JsonFormatter.Settings(formatDefaultValues: false));

    /// <summary>Everything of one project; a kind without objects is left out, as Feast does.</summary>
    public static string Dump(RegistryProto registry, string project, bool indented)
    {
        ArgumentNullException.ThrowIfNull(registry);
        var dump = new JsonObject { ["project"] = project };
        foreach (var kind in RegistryObjectKind.All.Where(k => k != RegistryObjectKind.Projects))
        {
            Add(dump, kind.DumpKey, kind.Messages(registry, project));
        }

        Add(dump, "projectMetadata", registry.ProjectMetadata.Where(m => m.Project == project));
        Add(dump, "labelViews", registry.LabelViews.Where(v => v.Spec?.Project == project).OrderBy(v => v.Spec.Name, StringComparer.Ordinal));
        Add(dump, "savedDatasets", registry.SavedDatasets.Where(d => d.Spec?.Project == project).OrderBy(d => d.Spec.Name, StringComparer.Ordinal));
        Add(dump, "infra", registry.Infra?.InfraObjects ?? []);
        Add(dump, "permissions", registry.Permissions.Where(p => p.Spec?.Project == project).OrderBy(p => p.Spec.Name, StringComparer.Ordinal));
        return Text(Sorted(dump)!, indented);
    }

    /// <summary>A message as JSON, with its keys in order. In place of a pickled function stands its source text, as Feast shows it.</summary>
    internal static JsonNode Of(IMessage message)
    {
        var node = Sorted(JsonNode.Parse(Formatter.Format(message)))!;
        if (node["spec"]?["featureTransformation"]?["userDefinedFunction"] is JsonObject function && function.ContainsKey("body"))
        {
            function["body"] = function["bodyText"]?.GetValue<string>() ?? string.Empty;
        }

        return node;
    }

    internal static string Text(JsonNode node, bool indented) => node.ToJsonString(indented ? Indented : Compact);

    private static void Add(JsonObject dump, string key, IEnumerable<IMessage> messages)
    {
        JsonNode?[] items = [.. messages.Select(Of)];
        if (items.Length > 0)
        {
            dump[key] = new JsonArray(items);
        }
    }

    private static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject map => new JsonObject(map.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, Sorted(p.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Sorted)]),
        _ => node?.DeepClone(),
    };
}
