namespace FeatureStore.Jobs.Materialize;

/// <summary>
/// Bounds what rows that were written leave behind in memory. The collector by itself lets new objects grow with the processor's last cache,
/// which on large servers means more than 100 MiB; rows of a batch are garbage as soon as the store has them.
/// </summary>
internal sealed class YoungGarbage
{
    private const long BytesMax = 16L << 20;
    private long _collectedAt = GC.GetTotalAllocatedBytes();

    /// <summary>Collects the youngest objects if enough were made since; to be called between batches.</summary>
    public void Bound()
    {
        if (GC.GetTotalAllocatedBytes() - _collectedAt >= BytesMax)
        {
            GC.Collect(0);
            _collectedAt = GC.GetTotalAllocatedBytes();
        }
    }
}
