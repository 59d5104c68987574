using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Registry.Tests.Configuration;

public sealed class RepoConfigTests : IDisposable
{
    private readonly string _repo = Directory.CreateTempSubdirectory("repo").FullName;

    public void Dispose() => Directory.Delete(_repo, recursive: true);

    [Fact]
    public void Load_Smallest_TakesFeastsDefaults()
    {
        var config = Load("project: bank\nregistry: data/registry.db\n");
        Assert.Equal(("bank", "local", 3, "dask"), (config.Project, config.Provider, config.EntityKeyVersion, config.OfflineStore.Type));
        Assert.Equal(Path.Combine(_repo, "data", "registry.db"), config.RegistryPath);
        Assert.Equal(new SqliteOnlineStoreConfig(Path.Combine(_repo, "data", "online.db")), config.OnlineStore);
        Assert.Equal((Path.Combine(_repo, "data", "lake"), Path.Combine(_repo, "data", "log.db")), (config.LakePath, config.LogPath));
        Assert.Equal(Path.Combine(_repo, "data", "runs.db"), config.RunsPath);
    }

    [Fact]
    public void Load_RedisAndMappings_AreRead()
    {
        var config = Load(
            """
            project: bank-eu
            registry:
              path: file:///srv/registry.db
              cache_ttl_seconds: 60
            online_store:
              type: redis
              connection_string: "$REDIS:6379,password=${SECRET}"
              key_ttl_seconds: 3600
            offline_store:
              type: trino
              host: example
            entity_key_serialization_version: 2
            feature_server: {enabled: true, workers: [1, null]}
            fstore:
              lake: s3://transaction-data/
              log: {path: logs/log.db}
              policy: strict
            """);
        Assert.Equal("/srv/registry.db", config.RegistryPath);
        var redis = Assert.IsType<RedisOnlineStoreConfig>(config.OnlineStore);
        Assert.Equal(("cache:6379,password=${SECRET}", "redis", 3600), (redis.ConnectionString, redis.RedisType, redis.KeyTtlSeconds));
        Assert.Equal((2, "trino", "example"), (config.EntityKeyVersion, config.OfflineStore.Type, config.OfflineStore.Options["host"]));
        Assert.Equal(("s3://transaction-data", Path.Combine(_repo, "logs", "log.db")), (config.LakePath, config.LogPath));
        Assert.Equal("strict", config.Fstore["policy"]);
        var server = Assert.IsType<Dictionary<string, object?>>(Assert.Single(config.Unread, u => u.Key == "feature_server").Value);
        Assert.Equal(new object?[] { "1", null }, server["workers"]);
    }

    [Fact]
    public void Load_RegistryAndMaterializationBlocks_AreReadWithTheirDefaults()
    {
        var plain = Load("project: a\nregistry: r.db\nauth: {type: no_auth}\n");
        Assert.Equal(new RegistryConfig("file", Path.Combine(_repo, "r.db"), 600, "sync"), plain.Registry);
        Assert.Equal((new MaterializationConfig(false, null), true, null), (plain.Materialization, plain.CoerceTzAware, plain.ProjectDescription));
        Assert.Equal("no_auth", plain.Auth);
        Assert.Equal("oidc", Load("project: a\nregistry: r.db\nauth: {type: oidc, client_id: x}\n").Auth);

        var config = Load(
            """
            project: a
            project_description: The bank
            registry:
              registry_type: sql
              path: postgresql://feast:hunter2@db/feast
              cache_ttl_seconds: 0
              cache_mode: thread
              serve_features_while_materializing: true
              enable_online_feature_view_versioning: true
              sqlalchemy_config_kwargs: {echo: false}
              thread_pool_executor_worker_count: 4
              read_path: postgresql://feast:hunter2@replica/feast
              schema_mode: verify
            materialization: {pull_latest_features: true, online_write_batch_size: 500}
            coerce_tz_aware: false
            """);
        Assert.Equal(
            new RegistryConfig("sql", "postgresql://feast:hunter2@db/feast", 0, "thread", true, true) { ReadPath = "postgresql://feast:hunter2@replica/feast", MakesTables = false },
            config.Registry);
        Assert.Equal((new MaterializationConfig(true, 500), false, "The bank"), (config.Materialization, config.CoerceTzAware, config.ProjectDescription));
        Assert.Equal(string.Empty, config.RegistryPath);
        Assert.DoesNotContain("hunter2", config.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ToString_OfARedisStore_HidesThePassword()
    {
        var config = Load("project: a\nregistry: r.db\nonline_store: {type: redis, connection_string: 'h:1,password=hunter2'}\n");
        Assert.DoesNotContain("hunter2", config.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("none")]
    [InlineData("")]
    public void Load_OnlineStoreOff_IsNull(string off) => Assert.Null(Load($"project: a\nregistry: r.db\nonline_store: {off}\n").OnlineStore);

    [Theory]
    [InlineData("registry: r.db", 1, "project")]
    [InlineData("project: a", 1, "registry")]
    [InlineData("project: _a\nregistry: r.db", 1, "begins with a letter")]
    [InlineData("project: a-b\nregistry: r.db", 1, "write '_'")]
    [InlineData("project: a\nregistry: r.db\nauth: {type: basic}", 3, "kubernetes, oidc")]
    [InlineData("project: a\nregistry: s3://b/r.db", 2, "no local path")]
    [InlineData("project: a\nregistry: {registry_type: remote, path: x}", 2, "registry_type: file")]
    [InlineData("project: a\nregistry: {registry_store_type: GCSRegistryStore, path: x}", 2, "GCSRegistryStore")]
    [InlineData("project: a\nregistry: {path: x, cache_mode: never}", 2, "sync, thread")]
    [InlineData("project: a\nregistry: {path: x, cache_ttl_seconds: -1}", 2, "whole number from 0")]
    [InlineData("project: a\nregistry: r.db\nmaterialization: {online_write_batch_size: 0}", 3, "whole number from 1")]
    [InlineData("project: a\nregistry: r.db\nonline_store: {type: redis, client: valkey}", 3, "redis, glide")]
    [InlineData("project: a\nregistry: r.db\nonline_store: {type: redis, client: glide, redis_type: redis_sentinel}", 3, "knows no sentinel")]
    [InlineData("project: a\nregistry: r.db\nonline_store: {type: dynamodb}", 3, "type: redis")]
    [InlineData("project: a\nregistry: r.db\nonline_store:\n  type: redis\n  conection_string: x", 5, "connection_string")]
    [InlineData("project: a\nregistry: r.db\nonline_store: {type: redis, redis_type: ring}", 3, "redis_cluster")]
    [InlineData("project: a\nregistry: r.db\nentity_key_serialization_version: 1", 3, "from 2 to 3")]
    [InlineData("project: a\nproject: b\nregistry: r.db", 2, "not YAML")]
    [InlineData("project: [a\nregistry: r.db", 2, "not YAML")]
    [InlineData("project: a\n---\nproject: b", 1, "2 YAML documents")]
    [InlineData("- a", 1, "keys with values")]
    [InlineData("", 1, "0 YAML documents")]
    public void Load_Wrong_NamesPlaceAndWayOut(string yaml, int line, string message)
    {
        var e = Assert.Throws<DefinitionException>(() => Load(yaml));
        var fault = Assert.Single(e.Faults, f => f.Message.Contains(message, StringComparison.Ordinal));
        Assert.Equal(("feature_store.yaml", line), (fault.File, fault.Line));
    }

    [Fact]
    public void Load_SeveralFaults_TellsAll()
    {
        var e = Assert.Throws<DefinitionException>(() => Load("project: _a\nregistry: s3://b/r\nentity_key_serialization_version: x\n"));
        Assert.Equal([1, 2, 3], e.Faults.Select(f => f.Line));
    }

    [Fact]
    public void Load_AnchorsThatMultiply_IsAFaultAndNoHang()
    {
        var lines = string.Concat(Enumerable.Range(1, 20).Select(i => $"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 9))}]\n"));
        var e = Assert.Throws<DefinitionException>(() => Load("project: a\nregistry: r.db\na0: &a0 x\n" + lines));
        Assert.Contains(e.Faults, f => f.Message.Contains("anchors", StringComparison.Ordinal));
    }

    [Fact]
    public void Load_NoFile_SaysWhichFolderToName()
    {
        var e = Assert.Throws<DefinitionException>(() => RepoConfig.Load(Path.Combine(_repo, "feature_store.yaml")));
        Assert.Contains("feature_store.yaml", e.Message, StringComparison.Ordinal);
    }

    private RepoConfig Load(string yaml)
    {
        var path = Path.Combine(_repo, RepoConfig.FileName);
        File.WriteAllText(path, yaml);
        return RepoConfig.Load(path, new Dictionary<string, string> { ["REDIS"] = "cache" });
    }
}
