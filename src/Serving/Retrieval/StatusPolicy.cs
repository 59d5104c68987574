using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Serving.Retrieval;

/// <summary>What the statuses of an answer tell. Stored bytes are the same under each.</summary>
/// <param name="IsTruthful">NOT_FOUND, NULL_VALUE and OUTSIDE_MAX_AGE as they are; false tells what Feast's Python server tells, which knows no ttl and no NULL_VALUE.</param>
/// <param name="MissIsPresent">Feast's answer to an absent row on Redis: PRESENT, null, at the epoch. Not read when truthful.</param>
public sealed record StatusPolicy(bool IsTruthful, bool MissIsPresent)
{
    /// <summary>The default.</summary>
    public static StatusPolicy Strict { get; } = new(true, false);

    /// <summary>As Feast answers over Redis.</summary>
    public static StatusPolicy FeastRedis { get; } = new(false, true) { KeepsVectors = true };

    /// <summary>As Feast answers over SQLite.</summary>
    public static StatusPolicy FeastSqlite { get; } = new(false, false);

    /// <summary>A service with <c>precompute_online</c> is answered from its stored vectors, which Feast keeps in Redis alone.</summary>
    public bool KeepsVectors { get; private init; }

    /// <summary>A view in state MATERIALIZING is served too, as Feast 0.67 can be told. Not read when truthful.</summary>
    public bool ServesWhileMaterializing { get; init; }

    /// <summary>The policy that <c>fstore: policy</c> names, <c>strict</c> when it names none.</summary>
    /// <exception cref="DefinitionException">It names another.</exception>
    public static StatusPolicy From(RepoConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var name = config.Fstore.GetValueOrDefault("policy") ?? "strict";
        return name switch
        {
            "strict" => Strict,
            "feast" => (config.OnlineStore is RedisOnlineStoreConfig ? FeastRedis : FeastSqlite) with
            {
                ServesWhileMaterializing = config.Registry.ServeFeaturesWhileMaterializing,
            },
            _ => throw new DefinitionException(
                [new Fault(RepoConfig.FileName, 1, 1, $"fstore: policy is '{name}'; write strict (statuses tell the truth) or feast (as Feast's server answers).")]),
        };
    }
}
