using System.Text.Json.Nodes;
using FeatureStore.Registry.Inspection;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Tests.Inspection;

public sealed class RegistryJsonTests
{
    [Fact]
    public void Dump_FeastsRegistry_HasListsByNameAndSourceTextForPickles()
    {
        var dump = JsonNode.Parse(RegistryJson.Dump(Golden("ext_features_registry.db"), "ext_features", indented: true))!.AsObject();
        Assert.Equal(
            ["dataSources", "entities", "featureServices", "featureViews", "onDemandFeatureViews", "project", "streamFeatureViews"], dump.Select(p => p.Key));
        Assert.Equal(["all_types", "offline_only", "pairs", "rates", "weather"], Names(dump["featureViews"]!));
        var function = dump["onDemandFeatureViews"]![0]!["spec"]!["featureTransformation"]!["userDefinedFunction"]!;
        Assert.StartsWith("@on_demand_feature_view(", function["body"]!.GetValue<string>(), StringComparison.Ordinal);
        var pairs = dump["featureViews"]![2]!;
        Assert.Equal("visits", pairs["spec"]!["batchSource"]!["fieldMapping"]!["raw_visits"]!.GetValue<string>());
        Assert.Equal("AVAILABLE_ONLINE", pairs["meta"]!["state"]!.GetValue<string>());
        Assert.Equal(pairs["spec"]!.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal), pairs["spec"]!.AsObject().Select(p => p.Key));
    }

    [Fact]
    public void Dump_AnotherProject_HoldsNothingOfIt() =>
        Assert.Equal("{\"project\":\"other\"}", RegistryJson.Dump(Golden("ext_features_registry.db"), "other", indented: false));

    [Fact]
    public void List_EachKind_FillsItsColumns()
    {
        var registry = Golden("ext_features_registry.db");
        foreach (var kind in RegistryObjectKind.All)
        {
            var rows = kind.List(registry, "ext_features");
            Assert.NotEmpty(rows);
            Assert.All(rows, r => Assert.Equal(kind.Columns.Count, r.Count));
            Assert.DoesNotContain(rows, r => (string)r[0] == "__dummy");
            Assert.All(rows, r => Assert.Contains($"\"name\":\"{r[0]}\"", kind.Describe(registry, "ext_features", (string)r[0], indented: false)!, StringComparison.Ordinal));
            Assert.Null(kind.Describe(registry, "ext_features", "nobody", indented: false));
        }

        Assert.Equal(["origin:temp", "destination:temp", "all_types:i64", "all_types:f64"], Assert.IsType<string[]>(RegistryObjectKind.FeatureServices.List(registry, "ext_features").Single(r => (string)r[0] == "aliased")[1]));
    }

    private static RegistryProto Golden(string file) => RegistryProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", file)));

    private static IEnumerable<string> Names(JsonNode list) => list.AsArray().Select(v => v!["spec"]!["name"]!.GetValue<string>());
}
