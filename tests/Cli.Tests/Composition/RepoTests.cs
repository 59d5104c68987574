using FeatureStore.Cli.Composition;
using FeatureStore.OnlineStore;
using FeatureStore.OnlineStore.Redis;
using FeatureStore.OnlineStore.Sqlite;

namespace FeatureStore.Cli.Tests.Composition;

public sealed class RepoTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("repo").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("{type: redis, connection_string: \"localhost:6379,db=2\", key_ttl_seconds: 60}", typeof(RedisOnlineStore))]
    [InlineData("{type: redis, redis_type: redis_cluster, connection_string: \"a:1,b:2\"}", typeof(RedisOnlineStore))]
    [InlineData("{type: redis, redis_type: redis_sentinel, sentinel_master: m, connection_string: \"a:1\"}", typeof(RedisOnlineStore))]
    [InlineData("redis", typeof(RedisOnlineStore))]
    [InlineData("{type: sqlite, path: online.db}", typeof(SqliteOnlineStore))]
    public async Task OnlineStore_EachType_OpensWithoutAServer(string setting, Type expected)
    {
        await using var store = Open(setting).OnlineStore();
        Assert.IsType(expected, store);
    }

    [Fact]
    public void OnlineStore_WrongConnectionString_NamesItAndHidesThePassword()
    {
        var error = Assert.Throws<OnlineStoreException>(
            () => Open("{type: redis, connection_string: \"localhost:6379,password=secret,db=x\"}").OnlineStore());
        Assert.Contains("connection_string", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
    }

    private Repo Open(string onlineStore)
    {
        File.WriteAllText(
            Path.Combine(_folder, "feature_store.yaml"),
            $"project: p\nprovider: local\nregistry: registry.db\nonline_store: {onlineStore}\nentity_key_serialization_version: 3\n");
        return Repo.Open(null, _folder);
    }
}
