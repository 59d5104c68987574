using Feast.Core;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Registry.Validation;
using Google.Protobuf.WellKnownTypes;
using Kind = Feast.Types.ValueType.Types.Enum;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Tests.Snapshot;

public sealed class SnapshotCompilerTests
{
    [Fact]
    public void Compile_BankOfFeast_HasItsViewsAndService()
    {
        var snapshot = Golden("bank_features_after_materialize_registry.db", "bank_features");
        var weekly = snapshot.FeatureViews["user_transactions_l1w"];
        Assert.Equal([new FieldModel("user_id", Kind.String)], weekly.JoinKeys);
        Assert.Equal(
            ["num_transactions_l1w", "total_amount_l1w", "avg_amount_l1w", "min_amount_l1w", "max_amount_l1w", "num_vendors_l1w", "num_sources_l1w"],
            weekly.Features.Select(f => f.Name));
        Assert.Equal([Kind.Int64, Kind.Double], weekly.Features.Take(2).Select(f => f.Type));
        Assert.Equal((TimeSpan.FromDays(7), true, null), (weekly.Ttl, weekly.Online, weekly.Aggregated));
        Assert.Equal(
            ("user_transactions_source", "/repo/user_transactions.parquet", "event_timestamp", "created_timestamp"),
            (weekly.Source.Name, weekly.Source.Path, weekly.Source.TimestampField, weekly.Source.CreatedTimestampColumn));
        var service = snapshot.FeatureServices["fraud_v1"];
        Assert.Equal(["user_transactions_l1w", "user_demographics"], service.Projections.Select(p => p.NameToUse));
        Assert.Equal(["age", "gender", "location", "occupation"], service.Projections[1].Features);
    }

    [Fact]
    public void Compile_S3OfFeast_KeepsAddresses()
    {
        var snapshot = Golden("bank_features_s3_registry.db", "bank_features");
        Assert.Equal("s3://transaction-data/features/", snapshot.FeatureViews["user_transactions_l1w"].Source.Path);
    }

    [Fact]
    public void Compile_LakeOnAnObjectStore_MakesItsTablesRelative()
    {
        var config = Config("bank_features") with { LakePath = "s3://transaction-data" };
        var snapshot = SnapshotCompiler.Compile(Parse("bank_features_s3_registry.db"), config);
        Assert.Equal("features/", snapshot.FeatureViews["user_transactions_l1w"].Source.Path);
    }

    [Fact]
    public void Compile_ExtOfFeast_HasCompositeEntitylessAliasedAndStreamViews()
    {
        var snapshot = Golden("ext_features_registry.db", "ext_features");
        Assert.Equal(["all_types", "offline_only", "pairs", "rates", "rides", "weather"], snapshot.FeatureViews.Keys.Order(StringComparer.Ordinal));
        var pairs = snapshot.FeatureViews["pairs"];
        Assert.Equal([new FieldModel("customer_id", Kind.String), new FieldModel("merchant_id", Kind.Int32)], pairs.JoinKeys);
        Assert.Equal("visits", pairs.Source.FieldMapping["raw_visits"]);
        Assert.Null(pairs.Source.CreatedTimestampColumn);
        Assert.Equal([new FieldModel("__dummy_id", Kind.String)], snapshot.FeatureViews["rates"].JoinKeys);
        Assert.Equal(TimeSpan.Zero, snapshot.FeatureViews["rates"].Ttl);
        Assert.False(snapshot.FeatureViews["offline_only"].Online);
        Assert.Equal([new FieldModel("rides", Kind.Double)], snapshot.FeatureViews["rides"].Features);
        Assert.Equal(TimeSpan.FromDays(1), snapshot.FeatureViews["rides"].Ttl);

        var aliased = snapshot.FeatureServices["aliased"].Projections;
        Assert.Equal([("weather", "origin"), ("weather", "destination"), ("all_types", "all_types")], aliased.Select(p => (p.ViewName, p.NameToUse)));
        Assert.Equal("origin_id", aliased[0].JoinKeyMap["loc_id"]);
        Assert.Equal(["i64", "f64"], aliased[2].Features);
    }

    [Fact]
    public void Compile_AnotherProject_SeesNothing()
    {
        var snapshot = Golden("ext_features_registry.db", "ext");
        Assert.Empty(snapshot.FeatureViews);
        Assert.Empty(snapshot.FeatureServices);
    }

    [Fact]
    public void Compile_ViewWithoutEntityColumns_TakesTheEntities()
    {
        var registry = Parse("ext_features_registry.db");
        var pairs = registry.FeatureViews.First(v => v.Spec.Name == "pairs").Spec;
        var rates = registry.FeatureViews.First(v => v.Spec.Name == "rates").Spec;
        pairs.EntityColumns.Clear();
        rates.EntityColumns.Clear();
        var views = SnapshotCompiler.Compile(registry, Config("ext_features")).FeatureViews;
        Assert.Equal([new FieldModel("customer_id", Kind.String), new FieldModel("merchant_id", Kind.Int32)], views["pairs"].JoinKeys);
        Assert.Equal([new FieldModel("__dummy_id", Kind.String)], views["rates"].JoinKeys);

        pairs.Entities[0] = "nobody";
        var e = Assert.Throws<RegistryException>(() => SnapshotCompiler.Compile(registry, Config("ext_features")));
        Assert.Contains("'nobody'", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 500_000_000, 0.5)]
    [InlineData(-1, 0, 0)]
    [InlineData(0, -1, 0)]
    public void Compile_OddTtl_IsReadOrNone(long seconds, int nanos, double expected)
    {
        var ttl = CompileTtl(new Duration { Seconds = seconds, Nanos = nanos });
        Assert.Equal(TimeSpan.FromSeconds(expected), ttl);
    }

    [Fact]
    public void Compile_TtlBeyondReason_NeverEnds() => Assert.Equal(TimeSpan.MaxValue, CompileTtl(new Duration { Seconds = long.MaxValue, Nanos = int.MaxValue }));

    [Fact]
    public void Compile_DisabledView_IsNotOnline()
    {
        var registry = Parse("ext_features_registry.db");
        registry.FeatureViews.First(v => v.Spec.Name == "weather").Spec.Disabled = true;
        Assert.False(SnapshotCompiler.Compile(registry, Config("ext_features")).FeatureViews["weather"].Online);
    }

    private static TimeSpan CompileTtl(Duration ttl)
    {
        var registry = new RegistryProto();
        registry.FeatureViews.Add(new FeatureView { Spec = new FeatureViewSpec { Name = "v", Project = "p", Ttl = ttl } });
        return SnapshotCompiler.Compile(registry, Config("p")).FeatureViews["v"].Ttl;
    }

    private static RegistrySnapshot Golden(string file, string project) => SnapshotCompiler.Compile(Parse(file), Config(project));

    private static RegistryProto Parse(string file) =>
        RegistryProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", file)));

    private static RepoConfig Config(string project)
    {
        using var repo = new TestRepo(config: $"project: {project}\nregistry: data/registry.db\n");
        return repo.LoadConfig();
    }
}
