namespace FeatureStore.OnlineStore.Redis;

/// <summary>How the servers behind the connection string work together; Feast's <c>redis_type</c>.</summary>
public enum RedisDeployment
{
    /// <summary>One server: the first host of the connection string.</summary>
    Redis,

    /// <summary>A cluster; the hosts are some of its nodes.</summary>
    RedisCluster,

    /// <summary>The hosts are sentinels, which name the master.</summary>
    RedisSentinel,
}

/// <summary>What <c>feature_store.yaml</c> says about the Redis online store, under Feast's names.</summary>
/// <param name="ConnectionString">Feast's grammar, see <see cref="RedisConnectionString"/>; may hold a password.</param>
/// <param name="Deployment">How the servers work together.</param>
/// <param name="SentinelMaster">The master's name at the sentinels.</param>
/// <param name="KeyTtlSeconds">Seconds after a key's last accepted row at which Redis drops it; null for never.</param>
/// <param name="SkipDedup">True writes every row without looking at the stored event time.</param>
public sealed record RedisOnlineStoreOptions(
    string ConnectionString, RedisDeployment Deployment, string SentinelMaster, int? KeyTtlSeconds, bool SkipDedup)
{
    /// <summary>Reads Feast's <c>redis_type</c>.</summary>
    /// <exception cref="OnlineStoreException">It is none of the three.</exception>
    public static RedisDeployment ParseType(string text) => text switch
    {
        "redis" => RedisDeployment.Redis,
        "redis_cluster" => RedisDeployment.RedisCluster,
        "redis_sentinel" => RedisDeployment.RedisSentinel,
        _ => throw new OnlineStoreException($"redis_type is '{text}'; set it to redis, redis_cluster or redis_sentinel."),
    };

    /// <summary>Without the connection string, which may hold a password.</summary>
    public override string ToString() => $"{nameof(RedisOnlineStoreOptions)} {{ {nameof(Deployment)} = {Deployment} }}";
}
