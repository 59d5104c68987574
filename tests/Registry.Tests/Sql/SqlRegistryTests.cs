using System.Data.Common;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Files;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Registry.Sql;
using FeatureStore.Registry.Validation;
using FeatureStore.Tests.Servers;
using Microsoft.Data.Sqlite;
using Npgsql;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Tests.Sql;

public sealed class SqlRegistryTests : IDisposable
{
    private static readonly DateTimeOffset End = new(2026, 11, 2, 0, 0, 0, TimeSpan.Zero);

    private readonly TestRepo _repo = new(config: "project: bank_features\nregistry: {registry_type: sql, path: 'sqlite:///r.db'}\n");

    public void Dispose() => _repo.Dispose();

    [Fact]
    public void Recorded_Messages_AreReadWhole()
    {
        var sized = 0;
        foreach (var (table, row) in RecordedTables.SqliteRows())
        {
            foreach (var (key, json) in row.Where(c => c.Key.EndsWith("_json", StringComparison.Ordinal)))
            {
                // Paths were rewritten in the JSON alone, so their length is taken out of both.
                var bytes = RecordedTables.Bytes(table, json!);
                sized++;
                Assert.InRange(row[key[..^5] + "_bytes"]!.GetValue<int>() - bytes.Length, 0, table == "on_demand_feature_views" ? 1_000 : 60);
            }
        }

        Assert.True(sized > 10);
    }

    [Fact]
    public void Load_SqliteOfFeast_IsTheProject()
    {
        Fill();
        var store = RegistryStore.Open(_repo.LoadConfig(), _repo.Time);
        Assert.True(store.Exists());
        Check(store.Load(), _repo.LoadConfig());
        Assert.Equal(End, store.LatestEnd("bank_features", "user_demographics"));
        Assert.Contains("no feature view 'nobody'", Assert.Throws<RegistryException>(() => store.LatestEnd("bank_features", "nobody")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_AnotherProject_SeesItsNameOnly()
    {
        Fill();
        var registry = Open("sqlite:///r.db", _repo.Folder, "other").Load();
        Assert.Empty(registry.FeatureViews);
        Assert.Equal("bank_features", Assert.Single(registry.Projects).Spec.Name);
    }

    [Fact]
    public void Load_NotThereEmptyOrDamaged_SaysWhich()
    {
        var config = _repo.LoadConfig();
        Assert.Contains("r.db", Assert.Throws<RegistryException>(() => RegistryStore.Open(config, _repo.Time).Load()).Message, StringComparison.Ordinal);
        using (Open())
        {
        }

        Assert.Contains("feature_views is missing", Assert.Throws<RegistryException>(() => RegistryStore.Open(config, _repo.Time).Load()).Message, StringComparison.Ordinal);
        Fill();
        using (var connection = Open())
        {
            RecordedTables.Execute(connection, "UPDATE entities SET entity_proto = x'0AFF'");
        }

        Assert.Contains("entities", Assert.Throws<RegistryException>(() => RegistryStore.Open(config, _repo.Time).Load()).Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_repo.Folder, "r.db"), "this is no database, and it is longer than a header of one would be, which is a hundred bytes.");
        Assert.Throws<RegistryException>(() => RegistryStore.Open(config, _repo.Time).Load());
    }

    [SkippableFact]
    public async Task Load_PostgresOfFeast_IsTheProject()
    {
        PostgresServer.Need();
        await using var server = await PostgresServer.StartAsync();
        var url = $"postgresql+psycopg://{server.User}:hunter2@127.0.0.1:{server.Port}/postgres?sslmode=disable";
        using (var connection = new NpgsqlConnection($"Host=127.0.0.1;Port={server.Port};Username={server.User};Database=postgres;Pooling=false"))
        {
            connection.Open();
            foreach (var statement in RecordedTables.PostgresSchema())
            {
                RecordedTables.Execute(connection, statement);
            }

            var recorded = RecordedTables.PostgresRows().ToArray();
            var rest = RecordedTables.SqliteRows().Where(r => recorded.All(p => p.Table != r.Table));
            foreach (var (table, row) in recorded.Concat(rest))
            {
                RecordedTables.Insert(connection, table, row);
            }
        }

        File.WriteAllText(_repo.ConfigPath, $"project: bank_features\nregistry: {{registry_type: sql, path: '{url}'}}\n");
        var store = RegistryStore.Open(_repo.LoadConfig(), _repo.Time);
        Check(store.Load(), _repo.LoadConfig());

        var wrong = url.Replace("/postgres?", "/nowhere?", StringComparison.Ordinal);
        var e = Assert.Throws<RegistryException>(() => Open(wrong, "/", "p").Load());
        Assert.Contains($"postgresql://127.0.0.1:{server.Port}/nowhere", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", e.Message, StringComparison.Ordinal);
    }

    private static void Check(RegistryProto registry, RepoConfig config)
    {
        // Feast leaves the project out of these messages once they were materialized.
        Assert.All(registry.FeatureViews, v => Assert.Equal("bank_features", v.Spec.Project));
        var snapshot = SnapshotCompiler.Compile(registry, config);
        Assert.Equal(["user_demographics", "user_transactions_l1w"], snapshot.FeatureViews.Keys.Order(StringComparer.Ordinal));
        var weekly = snapshot.FeatureViews["user_transactions_l1w"];
        Assert.Equal((TimeSpan.FromDays(7), 7, "user_transactions_push"), (weekly.Ttl, weekly.Features.Count, weekly.StreamSource));
        Assert.Equal("fraud_v1", Assert.Single(snapshot.FeatureServices).Key);
        Assert.Equal("user_id", snapshot.EntityJoinKeys["user"]);
        Assert.Equal("transaction_ratios", Assert.Single(snapshot.OnDemandFeatureViews).Key);
        Assert.Equal(["user_transactions_l1w"], snapshot.PushSources["user_transactions_push"].Views);
        Assert.Equal(2, registry.Infra.InfraObjects.Count);
        Assert.Equal(
            ["transaction_ratios 0 on_demand_feature_view", "user_demographics 0 feature_view", "user_transactions_l1w 0 feature_view"],
            registry.FeatureViewVersionHistory.Records.Select(r => $"{r.FeatureViewName} {r.VersionNumber} {r.FeatureViewType}"));
        Assert.All(registry.FeatureViewVersionHistory.Records, r => Assert.Equal((36, "bank_features"), (r.VersionId.Length, r.ProjectId)));
        Assert.Contains("@", snapshot.Revision, StringComparison.Ordinal);
        Assert.NotEqual(0, registry.CalculateSize());
    }

    private static SqlRegistry Open(string url, string folder, string project)
    {
        var address = SqlRegistryAddress.Parse(url, folder);
        return new SqlRegistry(address, address, project, TimeProvider.System);
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection($"Data Source={Path.Combine(_repo.Folder, "r.db")};Pooling=false");
        connection.Open();
        RecordedTables.Execute(connection, "PRAGMA user_version = 1");
        return connection;
    }

    private void Fill()
    {
        using DbConnection connection = Open();
        foreach (var statement in RecordedTables.SqliteSchema())
        {
            RecordedTables.Execute(connection, statement);
        }

        foreach (var (table, row) in RecordedTables.SqliteRows())
        {
            RecordedTables.Insert(connection, table, row);
        }
    }
}
