using Feast.Core;
using FeatureStore.Registry.Snapshot;
using Google.Protobuf;
using Kind = Feast.Types.ValueType.Types.Enum;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Tests.Files;

/// <summary>Definitions of the recorded ext_features project, as far as YAML can say it, against what Feast wrote.</summary>
public sealed class EveryKindTests
{
    private const string Definitions =
        """
        entities:
          - {name: location, join_keys: [loc_id], value_type: INT64}
          - {name: merchant, join_keys: [merchant_id], value_type: INT32}
          - {name: customer, join_keys: [customer_id], value_type: STRING}
          - {name: driver, join_keys: [driver_id], value_type: INT64}
        sources:
          - {name: pairs_src, path: /repo/pairs.parquet, timestamp_field: event_timestamp, field_mapping: {customer: customer_id, merchant: merchant_id, raw_visits: visits}}
          - {name: weather_src, path: /repo/weather.parquet, timestamp_field: event_timestamp}
          - {name: rates_src, path: /repo/rates.parquet, timestamp_field: event_timestamp}
          - {name: rides_batch, path: /repo/rides.parquet, timestamp_field: event_timestamp, created_timestamp_column: made}
        push_sources:
          - {name: rides_push, batch_source: rides_batch}
        request_sources:
          - {name: req, schema: [{name: x, dtype: Float64}, {name: label, dtype: String}]}
        feature_views:
          - {name: weather, entities: [location], ttl: 3650d, source: weather_src, schema: [{name: temp, dtype: Float64}]}
          - {name: pairs, entities: [customer, merchant], source: pairs_src, schema: [{name: spend, dtype: Float64}, {name: visits, dtype: Int64}]}
          - {name: rates, source: rates_src, schema: [{name: base_rate, dtype: Float64}]}
          - {name: pushed, entities: [driver], source: rides_push, schema: [{name: rides, dtype: Float64}]}
        stream_feature_views:
          - {name: rides, entities: [driver], ttl: 1d, source: rides_push, schema: [{name: rides, dtype: Float64}]}
        feature_services:
          - name: aliased
            precompute_online: true
            features:
              - {view: weather, with_name: origin, join_key_map: {loc_id: origin_id}}
              - {view: weather, with_name: destination, join_key_map: {loc_id: destination_id}}
              - pairs:spend
              - pairs:visits
              - rides@v2
        """;

    [Theory]
    [InlineData("pairs")]
    [InlineData("rates")]
    [InlineData("weather")]
    public void Apply_View_IsWhatFeastWrote(string name)
    {
        using var repo = Applied();
        var ours = repo.OpenRegistry().Load().FeatureViews.Single(v => v.Spec.Name == name).Spec;
        var feast = Golden().FeatureViews.Single(v => v.Spec.Name == name).Spec;
        ours.Project = feast.Project;
        (ours.BatchSource.Meta, feast.BatchSource.Meta) = (null, null);
        feast.BatchSource.FileOptions.Uri = ours.BatchSource.FileOptions.Uri;
        Assert.Equal(feast, ours);
    }

    [Fact]
    public void Apply_RequestSource_IsWhatFeastWrote()
    {
        using var repo = Applied();
        var ours = repo.OpenRegistry().Load().DataSources.Single(s => s.Name == "req");
        var feast = Golden().DataSources.Single(s => s.Name == "req");
        (ours.Meta, feast.Meta, ours.Project) = (null, null, feast.Project);
        Assert.Equal(feast, ours);
    }

    [Fact]
    public void Apply_PushSourceAndItsViews_HaveFeastsShape()
    {
        using var repo = Applied();
        var registry = repo.OpenRegistry().Load();
        var push = registry.DataSources.Single(s => s.Name == "rides_push");
        Assert.Equal((DataSource.Types.SourceType.PushSource, "event_timestamp", "made"), (push.Type, push.TimestampField, push.CreatedTimestampColumn));
        Assert.Equal(("rides_batch", string.Empty, string.Empty), (push.BatchSource.Name, push.BatchSource.Project, push.BatchSource.DataSourceClassType));
        var pushed = registry.FeatureViews.Single(v => v.Spec.Name == "pushed").Spec;
        Assert.Equal(("rides_push", "rides_batch"), (pushed.StreamSource.Name, pushed.BatchSource.Name));
        var stream = Assert.Single(registry.StreamFeatureViews).Spec;
        Assert.Equal(["driver_id", "rides"], stream.Features.Select(f => f.Name));
        Assert.Equal("event_timestamp", stream.TimestampField);
        Assert.False(repo.Apply().Written);
    }

    [Fact]
    public void Compile_AppliedKinds_AreInTheSnapshot()
    {
        using var repo = Applied();
        var snapshot = SnapshotCompiler.Compile(repo.OpenRegistry().Load(), repo.LoadConfig());
        Assert.Equal(["pushed", "rides"], snapshot.PushSources["rides_push"].Views);
        Assert.Equal("/repo/rides.parquet", snapshot.PushSources["rides_push"].Batch.Path);
        Assert.True(snapshot.FeatureViews["rides"].IsStream);
        Assert.Equal([new FieldModel("rides", Kind.Double)], snapshot.FeatureViews["rides"].Features);
        Assert.Equal([new FieldModel("customer_id", Kind.String), new FieldModel("merchant_id", Kind.Int32)], snapshot.FeatureViews["pairs"].JoinKeys);
        var service = snapshot.FeatureServices["aliased"];
        Assert.True(service.PrecomputeOnline);
        Assert.Equal(["origin", "destination", "pairs", "rides"], service.Projections.Select(p => p.NameToUse));
        Assert.Equal(["spend", "visits"], service.Projections[2].Features);
        Assert.Equal((null, 2), (service.Projections[0].VersionTag, service.Projections[3].VersionTag));
        Assert.Equal("destination_id", service.Projections[1].JoinKeyMap["loc_id"]);
    }

    [Fact]
    public void Compile_FeastsOnDemandViews_AreNamedAndNotRun()
    {
        using var repo = new TestRepo(config: "project: ext_features\nregistry: data/registry.db\n");
        var snapshot = SnapshotCompiler.Compile(Golden(), repo.LoadConfig());
        Assert.Equal(["odfv_pandas", "odfv_single", "odfv_written"], snapshot.OnDemandFeatureViews.Keys.Order(StringComparer.Ordinal));
        var pandas = snapshot.OnDemandFeatureViews["odfv_pandas"];
        Assert.Equal([new FieldModel("x", Kind.Double), new FieldModel("label", Kind.String)], pandas.RequestFields);
        Assert.Null(pandas.Stored);
        Assert.Equal(["weather"], pandas.SourceViews);
        Assert.Contains("'odfv_pandas' is made by a pandas function", pandas.Reason, StringComparison.Ordinal);
        var written = snapshot.OnDemandFeatureViews["odfv_written"].Stored;
        Assert.Equal("loc_id", Assert.Single(written!.JoinKeys).Name);
        Assert.Equal([new FieldModel("temp_f", Kind.Double)], written.Features);
    }

    [Fact]
    public void Apply_StreamViewGone_IsRemovedButFeastsOwnStays()
    {
        using var repo = Applied();
        var registry = Golden();
        registry.MergeFrom(repo.OpenRegistry().Load().ToByteArray());
        File.WriteAllBytes(repo.RegistryPath, registry.ToByteArray());
        repo.Define(Definitions[..Definitions.IndexOf("stream_feature_views:", StringComparison.Ordinal)]);
        Assert.Contains("stream feature view rides", repo.Apply().Removed);
        Assert.Equal(["ext_features"], repo.OpenRegistry().Load().StreamFeatureViews.Select(v => v.Spec.Project));

        using var feast = new TestRepo(Definitions[..Definitions.IndexOf("stream_feature_views:", StringComparison.Ordinal)], "project: ext_features\nregistry: data/registry.db\n");
        feast.TakeGolden("ext_features_registry.db");
        Assert.DoesNotContain("stream feature view rides", feast.Apply().Removed);
        Assert.Contains("rides_kafka", feast.OpenRegistry().Load().DataSources.Select(s => s.Name));
    }

    private static TestRepo Applied()
    {
        var repo = new TestRepo(Definitions, "project: ext\nregistry: data/registry.db\n");
        repo.Apply();
        return repo;
    }

    private static RegistryProto Golden() =>
        RegistryProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "ext_features_registry.db")));
}
