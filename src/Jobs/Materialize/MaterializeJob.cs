using FeatureStore.Contract.Rows;
using FeatureStore.Jobs.Runs;
using FeatureStore.OnlineStore;

namespace FeatureStore.Jobs.Materialize;

/// <summary>What a run writes, and by which rule.</summary>
/// <param name="Range">The event times asked for, noted in the registry at the end.</param>
/// <param name="Batches">Each entity's newest row, read lazily.</param>
/// <param name="TableVersion">The lake table's version before the rows were read; kept for the next incremental run.</param>
/// <param name="Rule">What happens to a stored row that is as new or newer.</param>
public sealed record MaterializeInput(
    MaterializeRange Range, IEnumerable<IReadOnlyList<EncodedRow>> Batches, long? TableVersion, OnlineWriteRule Rule = OnlineWriteRule.NewerOrEqualWins);

/// <summary>
/// One run of materialise over one view, under a lease and on record. The lease's fence is raised in the store before the first row and asked for
/// with each write, so that a holder that was stopped past its lease can write nothing once another began; it ends at the latest when
/// its lease is a margin from over and cannot be renewed. A run that wrote everything marks the store as whole.
/// </summary>
public sealed class MaterializeJob(IOnlineStore online, Leases leases, RunHistory history, TimeProvider time)
{
    /// <summary>The job's name in the history.</summary>
    public const string Kind = "materialize";

    /// <summary>How long a lease lasts without being renewed; a batch takes far less.</summary>
    public static readonly TimeSpan LeaseDuration = TimeSpan.FromSeconds(30);

    /// <summary>How long before the lease's end a run stops by itself: more than a batch that was sent can still take.</summary>
    public static readonly TimeSpan LeaseMargin = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(2);

    /// <summary>Runs the job. Safe to repeat after any end, a kill too: the same rows leave the same bytes.</summary>
    /// <param name="noteRange">Notes the range in the registry; called once, when all rows are in the store.</param>
    /// <exception cref="JobBusyException">Another run of the view holds the lease, or took it over.</exception>
    /// <exception cref="FenceLostException">The store was emptied during the run.</exception>
    public async Task<MaterializeCounts> RunAsync(
        OnlineTable table, MaterializeInput input, Action noteRange, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(noteRange);
        var name = $"{Kind} {table.Project}/{table.View}";
        var lease = leases.TryAcquire(name, JobOwner.New(), out var holder)
            ?? throw new JobBusyException($"{table.View} is being materialised by {holder!.Owner}, whose lease lasts until {holder.Expires:u}; wait for it, or run again then.");
        JobSteps.Log.LeaseTaken();
        try
        {
            await online.EnsureTablesAsync([table], cancellationToken);
            lease = await FencedAsync(table, lease, cancellationToken);
            JobSteps.Log.FenceRaised();
            return await RunAsync(table, input, lease, noteRange, progress, cancellationToken);
        }
        finally
        {
            leases.Release(lease);
        }
    }

    private async Task<MaterializeCounts> RunAsync(
        OnlineTable table, MaterializeInput input, Lease lease, Action noteRange, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var id = history.Begin(Kind, table.Project, table.View, lease.Fence, (input.Range.Start, input.Range.End));
        using var held = new HeldLease(leases, lease, time, cancellationToken);
        try
        {
            var write = new OnlineWrite(input.Rule, lease.Fence);
            var counts = await new Materializer(online).RunAsync(table, held.While(input.Batches), write, Noted(id, progress), held.Token);
            Note(id, counts);
            held.Renew();
            await online.MarkWholeAsync(table, lease.Fence, cancellationToken);
            JobSteps.Log.StoreMarked();
            noteRange();
            JobSteps.Log.RangeNoted();
            history.End(id, RunState.Done, input.TableVersion, null);
            return counts;
        }
        catch (Exception e)
        {
            history.End(id, RunState.Failed, null, e.GetType().Name);
            throw e is OperationCanceledException && held.IsOver || e is FenceLostException { Standing: not null } ? HeldLease.Lost(lease) : e;
        }
    }

    // A file of runs that was lost begins with low fences again, while the store remembers the greatest.
    private async Task<Lease> FencedAsync(OnlineTable table, Lease lease, CancellationToken cancellationToken)
    {
        while (await online.RaiseFenceAsync(table, lease.Fence, cancellationToken) is var standing && standing > lease.Fence)
        {
            lease = leases.RaiseFence(lease, standing + 1) ?? throw HeldLease.Lost(lease);
        }

        return lease;
    }

    private NotedProgress Noted(long id, IProgress<long>? progress) => new(counts =>
    {
        Note(id, counts);
        progress?.Report(counts.Read);
    }, counts => progress?.Report(counts.Read), time);

    private void Note(long id, MaterializeCounts counts) => history.Progress(id, counts.Read, counts.Written, counts.Skipped);

    /// <summary>Notes now and then, since each note is a write to disk.</summary>
    private sealed class NotedProgress(Action<MaterializeCounts> note, Action<MaterializeCounts> pass, TimeProvider time) : IProgress<MaterializeCounts>
    {
        private long _noted = time.GetTimestamp();

        public void Report(MaterializeCounts value)
        {
            if (time.GetElapsedTime(_noted) < ProgressEvery)
            {
                pass(value);
                return;
            }

            _noted = time.GetTimestamp();
            note(value);
        }
    }
}

/// <summary>Another run holds the lease; the message says who and until when.</summary>
public sealed class JobBusyException(string message) : Exception(message);
