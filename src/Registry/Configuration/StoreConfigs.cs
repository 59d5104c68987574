using System.Text;

namespace FeatureStore.Registry.Configuration;

/// <summary>The online store that <c>feature_store.yaml</c> asks for.</summary>
public abstract record OnlineStoreConfig;

/// <summary>Feast's SQLite store; <see cref="Path"/> is absolute.</summary>
public sealed record SqliteOnlineStoreConfig(string Path) : OnlineStoreConfig;

/// <summary>Feast's Redis store. <see cref="ConnectionString"/> has Feast's grammar and may hold a password, so it is never printed.</summary>
/// <param name="RedisType"><c>redis</c>, <c>redis_cluster</c> or <c>redis_sentinel</c>.</param>
/// <param name="KeyTtlSeconds">Seconds after the last accepted write at which Redis drops a key; null for never.</param>
/// <param name="SkipDedup">True writes without looking at the stored event time.</param>
public sealed record RedisOnlineStoreConfig(
    string ConnectionString,
    string RedisType,
    string SentinelMaster,
    int? KeyTtlSeconds,
    bool FullScanForDeletion,
    bool SkipDedup) : OnlineStoreConfig
{
    protected override bool PrintMembers(StringBuilder builder)
    {
        builder.Append(nameof(RedisType)).Append(" = ").Append(RedisType).Append(", ConnectionString = (hidden)");
        return true;
    }
}

/// <summary>The offline store as written; the lake does its work whatever the type is, so the options are only kept.</summary>
public sealed record OfflineStoreConfig(string Type, IReadOnlyDictionary<string, object?> Options);
