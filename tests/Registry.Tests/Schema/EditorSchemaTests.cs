using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Definitions;
using FeatureStore.Registry.Validation;
using FeatureStore.Registry.Yaml;

namespace FeatureStore.Registry.Tests.Schema;

/// <summary>Holds the JSON schemas for editors against the readers: the same keys in both.</summary>
public sealed partial class EditorSchemaTests
{
    [Theory]
    [InlineData("", "zzz: 1")]
    [InlineData("entity", "entities: [{zzz: 1}]")]
    [InlineData("source", "sources: [{zzz: 1}]")]
    [InlineData("field", "sources: [{schema: [{zzz: 1}]}]")]
    [InlineData("feature_view", "feature_views: [{zzz: 1}, {zzz: 1, window: 7d}]")]
    [InlineData("aggregation", "feature_views: [{aggregations: [{zzz: 1}]}]")]
    [InlineData("feature_service", "feature_services: [{zzz: 1}]")]
    public void Definitions_EachBlock_HasTheReadersKeys(string definition, string yaml)
    {
        var faults = new FaultList();
        new DefinitionReader(faults).Read(yaml, "x.yaml");
        var message = Assert.Throws<DefinitionException>(faults.ThrowIfAny).Faults.Select(f => KeysOf().Match(f.Message)).Where(m => m.Success);
        var taken = message.SelectMany(m => m.Groups[1].Value.Split(", ")).Distinct().Order(StringComparer.Ordinal);
        var schema = Load("features.schema.json");
        Assert.Equal(taken, Keys(definition.Length == 0 ? schema : schema["definitions"]![definition]!));
    }

    [Fact]
    public void Config_FileAndItsBlock_HaveTheReadersKeys()
    {
        var faults = new FaultList();
        var root = YamlText.Parse("project: a\nregistry: {path: r.db}\nonline_store: sqlite\nfstore: {lake: {path: x}, log: {path: y}}\n", "x.yaml", faults)!;
        RepoConfigReader.Read(root, "/", faults);
        faults.ThrowIfAny();
        var schema = Load("feature_store.schema.json");
        Assert.Equal(root.Asked.Order(StringComparer.Ordinal), Keys(schema));
        var fstore = root.Block("fstore")!;
        Assert.Equal(fstore.Asked.Order(StringComparer.Ordinal), Keys(schema["properties"]!["fstore"]!));
        foreach (var key in fstore.Asked)
        {
            Assert.Equal(fstore.Block(key)!.Asked.Order(StringComparer.Ordinal), Keys(schema["properties"]!["fstore"]!["properties"]![key]!["oneOf"]![1]!));
        }
    }

    private static JsonNode Load(string file) => JsonNode.Parse(File.ReadAllText(Path.Combine(TestRepo.BankRepo(), "schema", file)))!;

    private static IEnumerable<string> Keys(JsonNode block) => block["properties"]!.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal);

    [GeneratedRegex(@"'zzz' is no key of .* Keys are: (.*)\.\z")]
    private static partial Regex KeysOf();
}
