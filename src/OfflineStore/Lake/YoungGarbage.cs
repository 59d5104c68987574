namespace FeatureStore.OfflineStore.Lake;

/// <summary>
/// Bounds what rows that were moved leave behind in memory. The collector by itself lets new objects grow with the processor's last cache,
/// which on large servers means more than 100 MiB; rows of a batch are garbage as soon as they are where they belong.
/// </summary>
public sealed class YoungGarbage
{
    private const long BytesMax = 16L << 20;
    private long _collectedAt = GC.GetTotalAllocatedBytes();

    /// <summary>Collects young objects if enough were made since; to be called between batches, when those of the last are referred to no more.</summary>
    public void Bound()
    {
        if (GC.GetTotalAllocatedBytes() - _collectedAt >= BytesMax)
        {
            // A collection while a batch was at work found it alive, so it is no longer among the youngest.
            GC.Collect(1);
            _collectedAt = GC.GetTotalAllocatedBytes();
        }
    }
}
