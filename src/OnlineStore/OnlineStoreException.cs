namespace FeatureStore.OnlineStore;

/// <summary>The store cannot answer; the message names it and the way out.</summary>
public sealed class OnlineStoreException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>A write came under a fence that does not stand.</summary>
/// <param name="view">The table's view.</param>
/// <param name="standing">The fence that stands; null if none does, so that rows written before are gone too.</param>
public sealed class FenceLostException(string view, long? standing) : Exception(
    standing is null
        ? $"The online store was emptied while {view} was being written; run it again, from the beginning."
        : $"A later run of {view} took over the online store; this one may not write any more.")
{
    /// <summary>The fence that stands, or null.</summary>
    public long? Standing { get; } = standing;
}
