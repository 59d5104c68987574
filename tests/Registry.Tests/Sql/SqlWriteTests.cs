using Feast.Core;
using FeatureStore.Registry.Files;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Registry.Tests.Sql;

/// <summary>The SQL registry written, on both databases: Feast's tables, only the rows that differ, and the versions of views.</summary>
public sealed class SqlWriteTests
{
    private static readonly DateTimeOffset End = new(2026, 11, 2, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Apply_OnSqlite_WritesWhatDiffersAndNothingElse()
    {
        await using var database = SqlDatabase.Sqlite();
        Exercise(database);
    }

    [SkippableFact]
    public async Task Apply_OnPostgres_WritesWhatDiffersAndNothingElse()
    {
        await using var database = await SqlDatabase.PostgresAsync();
        Exercise(database);
    }

    [Fact]
    public async Task Apply_OnAnEmptySqlite_MakesFeastsTables()
    {
        await using var ours = SqlDatabase.Sqlite();
        await using var feasts = SqlDatabase.Sqlite();
        ours.Repo("entities: [{name: user, value_type: String}]\n").Apply();
        feasts.Execute([.. RecordedTables.SqliteSchema()]);
        Assert.Equal(feasts.Columns(), ours.Columns());
    }

    [SkippableFact]
    public async Task Apply_OnAnEmptyPostgres_MakesFeastsTables()
    {
        await using var ours = await SqlDatabase.PostgresAsync();
        await using var feasts = await SqlDatabase.PostgresAsync();
        ours.Repo("entities: [{name: user, value_type: String}]\n").Apply();
        feasts.Execute([.. RecordedTables.PostgresSchema()]);
        Assert.Equal(feasts.Columns(), ours.Columns());
    }

    [Fact]
    public async Task Apply_TablesMissingAndNotToBeMade_SaysSo()
    {
        await using var database = SqlDatabase.Sqlite();
        database.Execute(["CREATE TABLE other (x INTEGER)"]);
        using var repo = database.Repo("entities: [{name: user, value_type: String}]\n", ", schema_mode: skip");
        Assert.Contains("feature_views is missing", Assert.Throws<RegistryException>(() => repo.Apply()).Message, StringComparison.Ordinal);
        using var wrong = database.Repo(string.Empty, ", schema_mode: never");
        Assert.Contains("schema_mode", Assert.Throws<DefinitionException>(wrong.LoadConfig).Message, StringComparison.Ordinal);
    }

    private static void Exercise(SqlDatabase database)
    {
        using var other = database.Repo("entities: [{name: user, value_type: String}]\n", project: "other");
        Assert.True(other.Apply().Written);
        using var repo = database.Repo(File.ReadAllText(Path.Combine(TestRepo.BankRepo(), "features", "bank.yaml")));
        var plan = repo.Plan();
        Assert.Equal(plan.Changes.Select(c => (c.Change, c.Kind, c.Name)), repo.Apply().Changes.Select(c => (c.Change, c.Kind, c.Name)));
        Assert.False(repo.Apply().Written);
        var store = RegistryStore.Open(repo.LoadConfig(), repo.Time);
        Versions(store, ("user_demographics", 0), ("user_transactions_l1w", 0));

        // Materialised: one row of one table changes, and once.
        database.Execute(["UPDATE feature_views SET user_metadata = feature_view_proto"]);
        var before = database.Rows();
        store.RecordInterval("bank_features", "user_demographics", End.AddDays(-1), End, CancellationToken.None);
        store.RecordInterval("bank_features", "user_demographics", End.AddDays(-1), End, CancellationToken.None);
        Assert.Equal(End, store.LatestEnd("bank_features", "user_demographics"));
        Assert.Equal(["feature_views user_demographics"], Changed(before, database.Rows()));

        // A ttl makes no version, a feature does; nothing else is touched.
        var revision = store.Load().VersionId;
        before = database.Rows();
        repo.Define(Text(repo).Replace("ttl: 3650d", "ttl: 3651d", StringComparison.Ordinal));
        Assert.Equal("feature view user_demographics", Assert.Single(repo.Apply().Changed));
        Versions(store, ("user_demographics", 0), ("user_transactions_l1w", 0));
        repo.Define(Text(repo).Replace("{name: location, dtype: String}", "{name: location, dtype: Bytes}", StringComparison.Ordinal));
        Assert.Contains("feature view user_demographics", repo.Apply().Changed);
        Versions(store, ("user_demographics", 0), ("user_demographics", 1), ("user_transactions_l1w", 0));
        Assert.Equal(
            ["feature_services fraud_v1", "feature_view_version_history user_demographics", "feature_views user_demographics"], Changed(before, database.Rows()));
        Assert.Equal(End, store.LatestEnd("bank_features", "user_demographics"));
        Assert.Throws<RegistryConflictException>(() => RegistryApplier.Apply(repo.LoadConfig(), revision, repo.Time, CancellationToken.None));

        using var versioned = database.Repo(string.Empty, ", enable_online_feature_view_versioning: true");
        var snapshot = SnapshotCompiler.Compile(store.Load(), versioned.LoadConfig());
        Assert.Equal("user_demographics_v1", snapshot.FeatureViews["user_demographics"].OnlineName);
        Assert.Equal("user_demographics", snapshot.FeatureViewVersions[("user_demographics", 0)].OnlineName);

        // The project goes, its neighbour stays.
        Assert.NotEmpty(store.RemoveProject("bank_features", CancellationToken.None));
        Assert.Empty(store.RemoveProject("bank_features", CancellationToken.None));
        Assert.All(database.Rows(), r => Assert.DoesNotContain("bank_features", r.Key, StringComparison.Ordinal));
        Assert.Equal("other", Assert.Single(RegistryStore.Open(other.LoadConfig(), other.Time).Load().Projects).Spec.Name);
    }

    private static string Text(TestRepo repo) => File.ReadAllText(Path.Combine(repo.Folder, "features", "all.yaml"));

    private static void Versions(IRegistryStore store, params (string, int)[] expected)
    {
        var registry = store.Load();
        Assert.Equal(expected, registry.FeatureViewVersionHistory.Records.Select(r => (r.FeatureViewName, r.VersionNumber)));
        foreach (var record in registry.FeatureViewVersionHistory.Records)
        {
            var kept = FeatureView.Parser.ParseFrom(record.FeatureViewProto);
            Assert.Equal((record.FeatureViewName, record.VersionNumber), (kept.Spec.Name, kept.Meta.CurrentVersionNumber));
            Assert.Equal(36, record.VersionId.Length);
        }
    }

    /// <summary>Table and name of rows that differ, those of the metadata apart.</summary>
    private static string[] Changed(SortedDictionary<string, string> before, SortedDictionary<string, string> after) =>
    [
        .. before.Keys.Concat(after.Keys).Distinct().Where(k => before.GetValueOrDefault(k) != after.GetValueOrDefault(k) && !k.StartsWith("feast_metadata", StringComparison.Ordinal))
            .Select(k => string.Join(' ', k.Split(' ').Take(2))).Distinct().Order(StringComparer.Ordinal),
    ];
}
