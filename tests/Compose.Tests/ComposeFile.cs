using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace FeatureStore.Compose.Tests;

/// <summary>compose/compose.yaml as Compose reads it: merge keys and anchors put in.</summary>
internal static class ComposeFile
{
    public static string Root { get; } = Find();

    public static string Folder => Path.Combine(Root, "compose");

    public static string Text => File.ReadAllText(Path.Combine(Folder, "compose.yaml"));

    public static JsonObject Read() => Parse(Text);

    public static JsonObject Parse(string text)
    {
        var graph = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build().Deserialize<object>(new MergingParser(new Parser(new StringReader(text))));
        return (JsonObject)Json(graph)!;
    }

    public static IEnumerable<(string Name, JsonObject Service)> Services(JsonObject file) => file["services"]!.AsObject().Select(s => (s.Key, s.Value!.AsObject()));

    /// <summary>Variables of a service.</summary>
    public static IEnumerable<(string Name, string Value)> Environment(JsonObject service) =>
        service["environment"]?.AsObject().Select(e => (e.Key, e.Value?.ToString() ?? string.Empty)) ?? [];

    /// <summary>A list of texts; empty if it is not there.</summary>
    public static IReadOnlyList<string> Texts(JsonNode? list) => list is JsonArray array ? [.. array.Select(n => n!.ToString())] : [];

    /// <summary>True for a service of ours.</summary>
    public static bool IsOurs(JsonObject service) => service["build"] is not null;

    /// <summary>True for a service that ends by itself.</summary>
    public static bool IsOnce(JsonObject service) => service["restart"]?.ToString() == "no";

    private static JsonNode? Json(object? value) => value switch
    {
        null => null,
        IDictionary<object, object> map => new JsonObject(map.Select(p => KeyValuePair.Create(p.Key.ToString()!, Json(p.Value)))),
        IList<object> list => new JsonArray([.. list.Select(Json)]),
        string text => JsonValue.Create(text),
        bool flag => JsonValue.Create(flag),
        IFormattable number => JsonNode.Parse(number.ToString(null, System.Globalization.CultureInfo.InvariantCulture)),
        _ => throw new InvalidOperationException($"A {value.GetType()} in YAML."),
    };

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "FeatureStore.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("FeatureStore.sln is in no folder above the tests.");
    }
}
