using FeatureStore.Registry.Inspection;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Registry.Tests.Definitions;

/// <summary>On-demand views of expressions from their YAML into the registry and out of it.</summary>
public sealed class OnDemandViewTests
{
    private const string Definitions =
        """
        entities:
          - {name: user, join_keys: [user_id], value_type: STRING}
        sources:
          - {name: table, path: features/t, timestamp_field: at}
        request_sources:
          - {name: payment, schema: [{name: amount, dtype: Float64}]}
        feature_views:
          - {name: people, entities: [user], source: table, schema: [{name: age, dtype: Int64}, {name: total, dtype: Float64}]}
        on_demand_feature_views:
          - name: ratios
            description: Against the week
            sources: [people, payment]
            features:
              - {name: share, dtype: Float64, expr: "amount / total"}
              - {name: adult, dtype: Bool, expr: "people__age >= 18"}
        feature_services:
          - {name: pay, features: [people, {view: ratios, with_name: now}]}
          - {name: part, features: ["ratios:adult"]}
        """;

    [Fact]
    public void Apply_View_IsCompiledFromTheRegistry()
    {
        using var repo = new TestRepo(Definitions);
        repo.Apply();
        var snapshot = SnapshotCompiler.Compile(repo.OpenRegistry().Load(), repo.LoadConfig());
        var view = snapshot.OnDemandFeatureViews["ratios"].Expressions!;
        Assert.Equal(["people", "people", null], view.Inputs.Select(i => i.View));
        Assert.Equal(["age", "total", "amount"], view.Inputs.Select(i => i.Field.Name));
        Assert.Equal(["amount / total", "people__age >= 18"], view.Features.Select(f => f.Text));
        Assert.Equal(["share", "adult"], snapshot.FeatureServices["pay"].Projections[1].Features);
        Assert.Equal("now", snapshot.FeatureServices["pay"].Projections[1].NameToUse);
        Assert.Equal(["adult"], snapshot.FeatureServices["part"].Projections[0].Features);
    }

    [Fact]
    public void Apply_View_IsOneThatFeastCanRead()
    {
        using var repo = new TestRepo(Definitions);
        repo.Apply();
        var registry = repo.OpenRegistry().Load();
        var spec = Assert.Single(registry.OnDemandFeatureViews).Spec;
        Assert.Equal("""{"features":[{"name":"share","expr":"amount / total"},{"name":"adult","expr":"people__age >= 18"}]}""", spec.Tags["fstore.expressions"]);
        Assert.Equal("ccopy\ncopy\n.", spec.FeatureTransformation.UserDefinedFunction.Body.ToStringUtf8());
        Assert.Equal(("python", "latest"), (spec.Mode, spec.Version));
        Assert.Equal(["payment", "people"], spec.Sources.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("amount", Assert.Single(spec.Sources["payment"].RequestDataSource.RequestDataOptions.Schema).Name);
        Assert.Equal("features/t", SnapshotCompiler.Compile(registry, repo.LoadConfig()).FeatureViews["people"].Source.Path);
        Assert.Contains("expression", RegistryObjectKind.OnDemandFeatureViews.List(registry, "bank_features")[0].OfType<string>());
        Assert.Contains("people__age >= 18", RegistryObjectKind.OnDemandFeatureViews.Describe(registry, "bank_features", "ratios", false), StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_ChangedAndRemoved_TellsTheExpression()
    {
        using var repo = new TestRepo(Definitions);
        repo.Apply();
        repo.Time.Now += TimeSpan.FromHours(1);
        Assert.False(repo.Apply().Written);
        repo.Define(Definitions.Replace("amount / total", "total / amount", StringComparison.Ordinal));
        var change = Assert.Single(repo.Plan().Changes);
        Assert.Equal("features.share.expr: amount / total > total / amount", Assert.Single(change.Fields.Select(f => $"{f.Field}: {f.Before} > {f.After}")));
        repo.Define(Definitions[..Definitions.IndexOf("on_demand", StringComparison.Ordinal)]);
        Assert.Contains("on demand feature view ratios", repo.Apply().Removed);
        Assert.Empty(repo.OpenRegistry().Load().OnDemandFeatureViews);
    }

    [Theory]
    [InlineData("amount / total", "amount / totl", 14, "on-demand feature view 'ratios', feature 'share', column 10 of its expression: there is no input 'totl'")]
    [InlineData("[people, payment]", "[peple, payment]", 12, "no feature view and no request source 'peple'")]
    [InlineData("[people, payment]", "[people, people]", 12, "has the source 'people' twice")]
    [InlineData("[people, payment]", "[{people: [old]}, payment]", 12, "has no feature 'old'")]
    [InlineData("name: adult", "name: share", 15, "second feature 'share'")]
    [InlineData("- name: ratios", "- name: people", 10, "second feature view 'people'")]
    [InlineData("ratios:adult", "ratios:old", 18, "View 'ratios' has no feature 'old'")]
    public void Apply_Fault_NamesThePlace(string old, string edit, int line, string message)
    {
        using var repo = new TestRepo(Definitions.Replace(old, edit, StringComparison.Ordinal));
        var faults = Assert.Throws<DefinitionException>(() => repo.Apply()).Faults;
        Assert.Contains(faults, f => f.Line == line && f.Message.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void Compile_ExpressionThatNoLongerFits_NamesViewAndFeature()
    {
        using var repo = new TestRepo(Definitions);
        repo.Apply();
        var registry = repo.OpenRegistry().Load();
        registry.OnDemandFeatureViews[0].Spec.Tags["fstore.expressions"] = """{"features":[{"name":"share","expr":"amount +"},{"name":"adult","expr":"true"}]}""";
        var e = Assert.Throws<RegistryException>(() => SnapshotCompiler.Compile(registry, repo.LoadConfig()));
        Assert.Contains("'ratios', feature 'share', column 9", e.Message, StringComparison.Ordinal);
    }
}
