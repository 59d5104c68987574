using FeatureStore.Contract.Rows;
using FeatureStore.Jobs.Runs;
using FeatureStore.OnlineStore;

namespace FeatureStore.Jobs.Materialize;

/// <summary>What a run did: rows read from the lake, and how many the store took or already had newer.</summary>
public sealed record MaterializeCounts(long Read, long Written, long Skipped);

/// <summary>
/// Writes the newest rows of a view into the online store, batch by batch. Safe to repeat: the same rows leave the same
/// bytes. The caller moves the watermark only after this has returned.
/// </summary>
public sealed class Materializer(IOnlineStore online)
{
    /// <summary>Takes batches that hold each entity's newest row and writes each.</summary>
    /// <param name="progress">Told the counts so far, after each batch.</param>
    public async Task<MaterializeCounts> RunAsync(
        OnlineTable table,
        IEnumerable<IReadOnlyList<EncodedRow>> batches,
        OnlineWrite write,
        IProgress<MaterializeCounts>? progress,
        CancellationToken cancellationToken)
    {
        long read = 0;
        long written = 0;
        long skipped = 0;
        foreach (var batch in batches)
        {
            var counts = await online.WriteAsync(table, batch, write, cancellationToken);
            if (counts.Written + counts.Skipped != batch.Count)
            {
                throw new InvalidOperationException(
                    $"The online store answered for {counts.Written + counts.Skipped} of {batch.Count} rows of {table.View}.");
            }

            JobSteps.Log.BatchWritten();
            read += batch.Count;
            written += counts.Written;
            skipped += counts.Skipped;
            progress?.Report(new MaterializeCounts(read, written, skipped));
        }

        return new MaterializeCounts(read, written, skipped);
    }
}
