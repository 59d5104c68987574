using Feast.Core;
using FeatureStore.Registry.Files;

namespace FeatureStore.Registry.Tests.Files;

/// <summary>When a view gets another version, as Feast's apply decides it.</summary>
public sealed class ViewVersionsTests
{
    private const string Definitions =
        """
        entities: [{name: user, join_keys: [user_id], value_type: STRING}, {name: shop, value_type: STRING}]
        sources:
          - {name: rows, path: rows, timestamp_field: time}
          - {name: others, path: others, timestamp_field: time}
        push_sources: [{name: push, batch_source: rows}]
        feature_views:
          - {name: plain, entities: [user], source: rows, ttl: 1d, schema: [{name: a, dtype: Int64}, {name: b, dtype: String}]}
        stream_feature_views:
          - {name: stream, entities: [user], source: push, ttl: 1d, schema: [{name: a, dtype: Int64}]}

        """;

    [Fact]
    public void Apply_NewViews_BeginAsVersionZeroWithACopy()
    {
        using var repo = new TestRepo(Definitions);
        repo.Apply();
        var registry = repo.OpenRegistry().Load();
        Assert.Equal(["plain 0 feature_view", "stream 0 stream_feature_view"], Records(registry));
        var view = Assert.Single(registry.FeatureViews);
        Assert.Equal(view, FeatureView.Parser.ParseFrom(registry.FeatureViewVersionHistory.Records[0].FeatureViewProto));
        Assert.Equal(0, view.Meta.CurrentVersionNumber);
        Assert.Equal(view.Meta.CreatedTimestamp, registry.FeatureViewVersionHistory.Records[0].CreatedTimestamp);
    }

    [Theory]
    [InlineData(0, "ttl: 1d", "ttl: 2d")]
    [InlineData(0, "{name: plain, ", "{name: plain, description: text, ")]
    [InlineData(0, "{name: plain, ", "{name: plain, tags: {team: fraud}, ")]
    [InlineData(0, "{name: plain, ", "{name: plain, online: false, ")]
    [InlineData(0, "entities: [user], source: rows", "entities: [user], source: others")]
    [InlineData(1, "{name: b, dtype: String}", "{name: b, dtype: Int64}")]
    [InlineData(1, "{name: b, dtype: String}", "{name: c, dtype: String}")]
    [InlineData(1, ", {name: b, dtype: String}", "")]
    [InlineData(1, "entities: [user], source: rows", "entities: [user, shop], source: rows")]
    public void Apply_ChangedView_GetsAVersionForWhatItStoresAlone(int expected, string old, string next)
    {
        using var repo = new TestRepo(Definitions);
        repo.Apply();
        repo.Define(Definitions.Replace(old, next, StringComparison.Ordinal));
        Assert.Contains("feature view plain", repo.Apply().Changed);
        var registry = repo.OpenRegistry().Load();
        Assert.Equal(expected, registry.FeatureViews[0].Meta.CurrentVersionNumber);
        Assert.Equal(expected + 2, registry.FeatureViewVersionHistory.Records.Count);
        Assert.Equal(registry.FeatureViews[0].Meta.CurrentVersionNumber, registry.FeatureViewVersionHistory.Records.Where(r => r.FeatureViewName == "plain").Max(r => r.VersionNumber));
    }

    [Fact]
    public void Apply_ThereAndBackAndGoneAndAnew_NumbersGoOnAndBeginAgain()
    {
        using var repo = new TestRepo(Definitions);
        repo.Apply();
        foreach (var type in new[] { "Int64", "String", "Bytes" })
        {
            repo.Define(Definitions.Replace("{name: b, dtype: String}", $"{{name: b, dtype: {type}}}", StringComparison.Ordinal));
            repo.Apply();
        }

        Assert.Equal(["plain 0 feature_view", "stream 0 stream_feature_view", "plain 1 feature_view", "plain 2 feature_view", "plain 3 feature_view"], Records(repo.OpenRegistry().Load()));
        repo.Define(Definitions.Replace("  - {name: plain", "  - {name: another", StringComparison.Ordinal));
        repo.Apply();
        Assert.Equal(["stream 0 stream_feature_view", "another 0 feature_view"], Records(repo.OpenRegistry().Load()));
        repo.Define(Definitions);
        repo.Apply();
        Assert.Equal(0, repo.OpenRegistry().Load().FeatureViews.Single().Meta.CurrentVersionNumber);
    }

    [Fact]
    public void Plan_VersionsLieApart_ANewOneHasToBeMaterialised()
    {
        var versioned = TestRepo.Config.Replace("registry: data/registry.db", "registry: {path: data/registry.db, enable_online_feature_view_versioning: true}", StringComparison.Ordinal);
        foreach (var (config, expected) in new[] { (TestRepo.Config, ChangeCosts.None), (versioned, ChangeCosts.Materialize) })
        {
            using var repo = new TestRepo(Definitions, config);
            repo.Apply();
            repo.Define(Definitions.Replace(", {name: b, dtype: String}", string.Empty, StringComparison.Ordinal));
            Assert.Equal(expected, Assert.Single(repo.Plan().Changes).Costs);
        }
    }

    private static IEnumerable<string> Records(Feast.Core.Registry registry) =>
        registry.FeatureViewVersionHistory.Records.Select(r => $"{r.FeatureViewName} {r.VersionNumber} {r.FeatureViewType}");
}
