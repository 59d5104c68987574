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
        var counts = new MaterializeCounts(0, 0, 0);
        Task<OnlineWriteCounts>? writing = null;
        var inFlight = 0;

        // One batch is written while the next is read; never two, so that rows keep their order and little is held.
        async Task EndAsync()
        {
            if (writing is null)
            {
                return;
            }

            var written = await writing;
            writing = null;
            if (written.Written + written.Skipped != inFlight)
            {
                throw new InvalidOperationException(
                    $"The online store answered for {written.Written + written.Skipped} of {inFlight} rows of {table.View}.");
            }

            JobSteps.Log.BatchWritten();
            counts = new MaterializeCounts(counts.Read + inFlight, counts.Written + written.Written, counts.Skipped + written.Skipped);
            progress?.Report(counts);
        }

        try
        {
            foreach (var batch in batches)
            {
                await EndAsync();
                (writing, inFlight) = (online.WriteAsync(table, batch, write, cancellationToken), batch.Count);
            }

            await EndAsync();
            return counts;
        }
        finally
        {
            // Whatever stopped the reading, no write goes on behind the caller.
            if (writing is not null)
            {
                await writing.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
    }
}
