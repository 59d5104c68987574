using FeatureStore.Contract.Rows;
using FeatureStore.Jobs.Runs;
using FeatureStore.OfflineStore.Lake;
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
    // While one batch is on its way to the store and back, the next is there already; each entity has one row, so their order is no matter.
    private const int InFlightMax = 2;

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
        var garbage = new YoungGarbage();
        var writing = new Queue<(Task<OnlineWriteCounts> Write, int Rows)>();

        async Task EndAsync(int left)
        {
            while (writing.TryPeek(out var first) && (writing.Count > left || first.Write.IsCompleted))
            {
                var (write, rows) = first;
                var written = await write;
                writing.Dequeue();
                if (written.Written + written.Skipped != rows)
                {
                    throw new InvalidOperationException($"The online store answered for {written.Written + written.Skipped} of {rows} rows of {table.View}.");
                }

                JobSteps.Log.BatchWritten();
                counts = new MaterializeCounts(counts.Read + rows, counts.Written + written.Written, counts.Skipped + written.Skipped);
                progress?.Report(counts);
            }
        }

        try
        {
            foreach (var batch in batches)
            {
                await EndAsync(InFlightMax - 1);
                garbage.Bound();
                writing.Enqueue((online.WriteAsync(table, batch, write, cancellationToken), batch.Count));
            }

            await EndAsync(0);
            return counts;
        }
        finally
        {
            // Whatever stopped the reading, no write goes on behind the caller.
            await Task.WhenAll(writing.Select(w => w.Write)).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }
}
