using FeatureStore.Registry.Snapshot;
using FeatureStore.Registry.Validation;
using Google.Protobuf;
using Kind = Feast.Types.ValueType.Types.Enum;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Tests.Files;

public sealed class RegistryApplierTests
{
    private static readonly string[] AllOfBank =
    [
        "source transactions", "source user_transactions_l1w_source", "source user_demographics_source", "entity user",
        "feature view user_transactions_l1w", "feature view user_demographics", "feature service fraud_v1",
    ];

    [Fact]
    public void Apply_BankExample_CompilesToItsViews()
    {
        using var repo = TestRepo.Bank();
        var result = repo.Apply();
        Assert.True(result.Written);
        Assert.Equal(AllOfBank, result.Added);

        var snapshot = SnapshotCompiler.Compile(repo.OpenRegistry().Load(), repo.LoadConfig());
        var weekly = snapshot.FeatureViews["user_transactions_l1w"];
        Assert.Equal([new FieldModel("user_id", Kind.String)], weekly.JoinKeys);
        Assert.Equal((TimeSpan.FromDays(14), "features/user_transactions_l1w"), (weekly.Ttl, weekly.Source.Path));
        Assert.Equal(("event_timestamp", "created_timestamp"), (weekly.Source.TimestampField, weekly.Source.CreatedTimestampColumn));
        var aggregated = Assert.IsType<AggregatedModel>(weekly.Aggregated);
        Assert.Equal(("cdc/transactions", "time", TimeSpan.FromDays(7), true), (aggregated.SourcePath, aggregated.EventTimeColumn, aggregated.Window, aggregated.EmptyWindowZero));
        Assert.Equal(weekly.Features.Select(f => f.Name), aggregated.Aggregations.Select(a => a.Name));
        Assert.Equal(new AggregationModel("num_vendors_l1w", "count_distinct", "vendor"), aggregated.Aggregations[5]);
        Assert.Equal("demographic/customers", snapshot.FeatureViews["user_demographics"].Source.Path);
        Assert.Equal(weekly.Features.Select(f => f.Name), snapshot.FeatureServices["fraud_v1"].Projections[0].Features);
    }

    [Fact]
    public void Apply_BankExample_WritesWhatFeastWrites()
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        var registry = repo.OpenRegistry().Load();
        Assert.Equal(("1", "bank_features"), (registry.RegistrySchemaVersion, Assert.Single(registry.Projects).Spec.Name));
        Assert.Equal(repo.Time.Now, registry.LastUpdated.ToDateTimeOffset());
        Assert.True(Guid.TryParse(registry.VersionId, out _));
        Assert.Equal([("__dummy", "__dummy_id", Kind.Invalid), ("user", "user_id", Kind.String)], registry.Entities.Select(e => (e.Spec.Name, e.Spec.JoinKey, e.Spec.ValueType)));

        // Relative to the repo, so that Feast finds the table's files wherever the repo lies.
        var view = registry.FeatureViews[0].Spec;
        Assert.Equal("data/lake/features/user_transactions_l1w", view.BatchSource.FileOptions.Uri);
        Assert.Equal("feast.infra.offline_stores.file_source.FileSource", view.BatchSource.DataSourceClassType);
        Assert.Equal(("latest", string.Empty, true), (view.Version, view.BatchSource.Project, view.Online));
        Assert.Equal("user_id", Assert.Single(view.EntityColumns).Name);
        Assert.Equal(["fstore.aggregations"], view.Tags.Keys);
        var projection = registry.FeatureServices[0].Spec.Features[0];
        Assert.Equal(("featureView", string.Empty), (projection.ViewType, projection.BatchSource.DataSourceClassType));
    }

    [Fact]
    public void Apply_Twice_WritesNothingTheSecondTime()
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        var before = File.ReadAllBytes(repo.RegistryPath);
        repo.Time.Now += TimeSpan.FromHours(1);
        var again = repo.Apply();
        Assert.False(again.Written);
        Assert.Empty(again.Added.Concat(again.Changed).Concat(again.Removed));
        Assert.Equal(before, File.ReadAllBytes(repo.RegistryPath));
    }

    [Fact]
    public void Apply_ChangedView_KeepsItsRangesAndBirth()
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        var end = repo.Time.Now.AddDays(-1);
        repo.OpenRegistry().RecordInterval("bank_features", "user_demographics", end.AddDays(-7), end, CancellationToken.None);
        repo.Time.Now += TimeSpan.FromHours(1);
        repo.Define(File.ReadAllText(Path.Combine(repo.Folder, "features", "all.yaml")).Replace("ttl: 3650d", "ttl: 30d", StringComparison.Ordinal));
        var result = repo.Apply();
        Assert.Equal(["feature view user_demographics"], result.Changed);
        Assert.Empty(result.Added.Concat(result.Removed));
        Assert.Equal(end, repo.OpenRegistry().LatestEnd("bank_features", "user_demographics"));
        var meta = repo.OpenRegistry().Load().FeatureViews.First(v => v.Spec.Name == "user_demographics").Meta;
        Assert.Equal((repo.Time.Now.AddHours(-1), repo.Time.Now), (meta.CreatedTimestamp.ToDateTimeOffset(), meta.LastUpdatedTimestamp.ToDateTimeOffset()));
    }

    [Fact]
    public void Apply_DefinitionGone_RemovesItAndOnlyIt()
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        var text = File.ReadAllText(Path.Combine(repo.Folder, "features", "all.yaml"));
        repo.Define(text[..text.IndexOf("feature_services:", StringComparison.Ordinal)]);
        Assert.Equal(["feature service fraud_v1"], repo.Apply().Removed);
        Assert.Equal(2, repo.OpenRegistry().Load().FeatureViews.Count);
    }

    [Fact]
    public void Apply_OnFeastsOwnRegistry_KeepsWhatDefinitionsCannotSay()
    {
        using var repo = TestRepo.Bank();
        repo.TakeGolden("bank_features_after_materialize_registry.db");
        File.AppendAllBytes(repo.RegistryPath, [0xA2, 0x06, 0x02, 0x08, 0x07]); // Field 100, of a Feast yet to come.
        var before = repo.OpenRegistry().Load();
        Assert.NotEmpty(Unknown(before));
        var result = repo.Apply();
        Assert.Equal(["source transactions", "source user_transactions_l1w_source"], result.Added);
        Assert.Contains("feature view user_transactions_l1w", result.Changed);

        // The request source stays under the on-demand view; a push source could be said, and is not.
        Assert.Equal(["source user_transactions_source", "source user_transactions_push"], result.Removed);
        var after = repo.OpenRegistry().Load();
        Assert.Equal(before.OnDemandFeatureViews, after.OnDemandFeatureViews);
        Assert.Contains(after.DataSources, s => s.Name == "txn_request");
        var weekly = after.FeatureViews.First(v => v.Spec.Name == "user_transactions_l1w");
        Assert.Single(weekly.Meta.MaterializationIntervals);
        Assert.Null(weekly.Spec.StreamSource);

        // What the views store is another thing now, so each has a second version beside Feast's first.
        var records = after.FeatureViewVersionHistory.Records;
        Assert.Equal(before.FeatureViewVersionHistory.Records, records.Take(before.FeatureViewVersionHistory.Records.Count));
        Assert.Equal(["user_transactions_l1w 1", "user_demographics 1"], records.Skip(before.FeatureViewVersionHistory.Records.Count).Select(r => $"{r.FeatureViewName} {r.VersionNumber}"));
        Assert.Equal(1, weekly.Meta.CurrentVersionNumber);
        Assert.Equal(before.Infra, after.Infra);
        Assert.Equal(Unknown(before), Unknown(after));
        Assert.False(repo.Apply().Written);
    }

    [Fact]
    public void Apply_BesideAnotherProject_LeavesItAlone()
    {
        using var repo = TestRepo.Bank();
        repo.TakeGolden("ext_features_registry.db");
        var before = repo.OpenRegistry().Load();
        Assert.Equal(AllOfBank, repo.Apply().Added);
        var after = repo.OpenRegistry().Load();
        Assert.Equal(before.FeatureViews, after.FeatureViews.Where(v => v.Spec.Project == "ext_features"));
        Assert.Equal(before.StreamFeatureViews, after.StreamFeatureViews);
        Assert.Equal(before.Entities, after.Entities.Where(e => e.Spec.Project == "ext_features"));
        Assert.Equal(["ext_features", "bank_features"], after.Projects.Select(p => p.Spec.Name));
    }

    [Fact]
    public void Apply_NameOfAnOnDemandView_IsRefusedAndNothingWritten()
    {
        using var repo = TestRepo.Bank();
        repo.TakeGolden("bank_features_after_materialize_registry.db");
        var name = Assert.Single(repo.OpenRegistry().Load().OnDemandFeatureViews).Spec.Name;
        repo.Define($"sources: [{{name: s, path: t, timestamp_field: at}}]\nfeature_views:\n  - {{name: {name}, source: s, schema: [{{name: f, dtype: Int64}}]}}\n");
        var before = File.ReadAllBytes(repo.RegistryPath);
        var e = Assert.Throws<RegistryException>(repo.Apply);
        Assert.StartsWith("features/all.yaml:3: ", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(repo.RegistryPath));
    }

    [Fact]
    public void Apply_ViewWithoutEntities_GetsFeastsOwnEntity()
    {
        using var repo = new TestRepo("sources: [{name: s, path: /data/t, timestamp_field: at}]\nfeature_views:\n  - {name: v, source: s, schema: [{name: f, dtype: Array(Int64)}]}\n");
        Assert.Equal(["source s", "feature view v"], repo.Apply().Added);
        var view = SnapshotCompiler.Compile(repo.OpenRegistry().Load(), repo.LoadConfig()).FeatureViews["v"];
        Assert.Equal([new FieldModel("__dummy_id", Kind.String)], view.JoinKeys);
        Assert.Equal((Kind.Int64List, "/data/t"), (Assert.Single(view.Features).Type, view.Source.Path));
    }

    [Fact]
    public void Apply_WrongDefinitions_WriteNothing()
    {
        using var repo = new TestRepo("entities: [{name: user}]\n");
        Assert.Throws<DefinitionException>(repo.Apply);
        Assert.False(File.Exists(repo.RegistryPath));
    }

    [Fact]
    public void Apply_MovedRepo_KeepsItsPaths()
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        var bytes = File.ReadAllBytes(repo.RegistryPath);
        Assert.Equal(-1, bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(repo.Folder)));
    }

    /// <summary>The bytes of fields that this version does not know: what is left of a registry without those it knows.</summary>
    private static byte[] Unknown(RegistryProto registry)
    {
        var rest = registry.Clone();
        foreach (var field in RegistryProto.Descriptor.Fields.InDeclarationOrder())
        {
            field.Accessor.Clear(rest);
        }

        return rest.ToByteArray();
    }
}
