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
    [InlineData("push_source", "push_sources: [{zzz: 1}]")]
    [InlineData("request_source", "request_sources: [{zzz: 1}]")]
    [InlineData("stream_feature_view", "stream_feature_views: [{zzz: 1}]")]
    [InlineData("service_item", "feature_services: [{features: [{view: v, zzz: 1}]}]")]
    [InlineData("field", "sources: [{schema: [{zzz: 1}]}]")]
    [InlineData("feature_view", "feature_views: [{zzz: 1}, {zzz: 1, window: 7d}]")]
    [InlineData("aggregation", "feature_views: [{aggregations: [{zzz: 1}]}]")]
    [InlineData("on_demand_feature_view", "on_demand_feature_views: [{zzz: 1}]")]
    [InlineData("expression", "on_demand_feature_views: [{features: [{zzz: 1}]}]")]
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

    [Theory]
    [InlineData("sqlite", 1)]
    [InlineData("redis", 2)]
    public void Config_OnlineStores_HaveTheReadersKeys(string type, int index)
    {
        var faults = new FaultList();
        RepoConfigReader.Read(YamlText.Parse($"project: a\nregistry: r.db\nonline_store: {{type: {type}, zzz: 1}}\n", "x.yaml", faults)!, "/", faults);
        var message = Assert.Single(Assert.Throws<DefinitionException>(faults.ThrowIfAny).Faults).Message;
        Assert.Equal(KeysOf().Match(message).Groups[1].Value.Split(", ").Order(StringComparer.Ordinal), Keys(Load("feature_store.schema.json")["properties"]!["online_store"]!["oneOf"]![index]!));
    }

    [Fact]
    public void Config_FileAndItsBlocks_HaveTheReadersKeys()
    {
        var faults = new FaultList();
        var root = YamlText.Parse(
            "project: a\nregistry: {path: r.db}\nonline_store: sqlite\nmaterialization: {}\nfstore: {lake: {path: x}, log: {path: y}, runs: {path: z}}\n", "x.yaml", faults)!;
        RepoConfigReader.Read(root, "/", faults);
        faults.ThrowIfAny();
        var schema = Load("feature_store.schema.json");
        var properties = schema["properties"]!;
        Assert.Equal(Sorted(root.Asked), Keys(schema));
        Assert.Equal(Sorted(root.Block("registry")!.Asked), Keys(properties["registry"]!["oneOf"]![1]!));
        Assert.Equal(Sorted(root.Block("materialization")!.Asked), Keys(properties["materialization"]!));
        var fstore = root.Block("fstore")!;

        // Where the lake lies is read by another room.
        Assert.Equal(Sorted(fstore.Asked.Concat(["s3", "tables"])), Keys(properties["fstore"]!));
        Assert.All(fstore.Asked, key => Assert.Equal(Sorted(fstore.Block(key)!.Asked), Keys(properties["fstore"]!["properties"]![key]!["oneOf"]![1]!)));
    }

    private static IEnumerable<string> Sorted(IEnumerable<string> keys) => keys.Order(StringComparer.Ordinal);

    private static JsonNode Load(string file) => JsonNode.Parse(File.ReadAllText(Path.Combine(TestRepo.BankRepo(), "schema", file)))!;

    private static IEnumerable<string> Keys(JsonNode block) => block["properties"]!.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal);

    [GeneratedRegex(@"'zzz' is no key of .* Keys are: (.*)\.\z")]
    private static partial Regex KeysOf();
}
