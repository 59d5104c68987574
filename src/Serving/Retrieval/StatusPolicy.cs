namespace FeatureStore.Serving.Retrieval;

/// <summary>What the statuses of an answer tell. Stored bytes are the same under each.</summary>
/// <param name="IsTruthful">NOT_FOUND, NULL_VALUE and OUTSIDE_MAX_AGE as they are; false tells what Feast's Python server tells, which knows no ttl and no NULL_VALUE.</param>
/// <param name="MissIsPresent">Feast's answer to an absent row on Redis: PRESENT, null, at the epoch. Not read when truthful.</param>
public sealed record StatusPolicy(bool IsTruthful, bool MissIsPresent)
{
    /// <summary>The default.</summary>
    public static StatusPolicy Strict { get; } = new(true, false);

    /// <summary>As Feast answers over Redis.</summary>
    public static StatusPolicy FeastRedis { get; } = new(false, true);

    /// <summary>As Feast answers over SQLite.</summary>
    public static StatusPolicy FeastSqlite { get; } = new(false, false);
}
