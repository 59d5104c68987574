using FeatureStore.Contract.Rows;
using FeatureStore.Jobs.Runs;
using FeatureStore.OnlineStore;

namespace FeatureStore.Jobs.Materialize;

/// <summary>
/// One run of materialise over one view, under a lease and on record. Two runs of a view never overlap as long as both keep
/// time; a holder that was stopped past its lease sees at its next batch that somebody else took it, and ends. The stores themselves know no fence
/// yet: the one batch during which it was stopped can still be written.
/// </summary>
public sealed class MaterializeJob(IOnlineStore online, Leases leases, RunHistory history)
{
    /// <summary>The job's name in the history.</summary>
    public const string Kind = "materialize";

    /// <summary>How long a lease lasts without being renewed; a batch takes far less.</summary>
    public static readonly TimeSpan LeaseDuration = TimeSpan.FromSeconds(30);

    /// <summary>Runs the job. Safe to repeat after any end, a kill too: the same rows leave the same bytes.</summary>
    /// <param name="batches">Each entity's newest row, read lazily.</param>
    /// <param name="tableVersion">The lake table's version before the rows were read; kept for the next incremental run.</param>
    /// <param name="noteRange">Notes the range in the registry; called once, when all rows are in the store.</param>
    /// <exception cref="JobBusyException">Another run of the view holds the lease, or took it over.</exception>
    public async Task<MaterializeCounts> RunAsync(
        OnlineTable table,
        MaterializeRange range,
        IEnumerable<IReadOnlyList<EncodedRow>> batches,
        long? tableVersion,
        Action noteRange,
        IProgress<long>? progress,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(noteRange);
        var owner = $"{Environment.MachineName}:{Environment.ProcessId}:{Guid.NewGuid():N}";
        var name = $"{Kind} {table.Project}/{table.View}";
        var lease = leases.TryAcquire(name, owner, out var holder)
            ?? throw new JobBusyException($"{table.View} is being materialised by {holder!.Owner}, whose lease lasts until {holder.Expires:u}; wait for it, or run again then.");
        var id = history.Begin(Kind, table.Project, table.View, lease.Fence, (range.Start, range.End));
        try
        {
            var counts = await new Materializer(online).RunAsync(table, Held(batches, lease), progress, cancellationToken);
            history.Progress(id, counts.Read, counts.Written, counts.Skipped);
            _ = leases.Renew(lease) ?? throw Lost(lease);
            noteRange();
            history.End(id, RunState.Done, tableVersion, null);
            return counts;
        }
        catch (Exception e)
        {
            history.End(id, RunState.Failed, null, e.GetType().Name);
            throw;
        }
        finally
        {
            leases.Release(lease);
        }
    }

    // Looked at before each batch is handed on, so that no batch is begun by one who no longer holds the lease.
    private IEnumerable<IReadOnlyList<EncodedRow>> Held(IEnumerable<IReadOnlyList<EncodedRow>> batches, Lease lease)
    {
        foreach (var batch in batches)
        {
            lease = leases.Keep(lease) ?? throw Lost(lease);
            yield return batch;
        }
    }

    private static JobBusyException Lost(Lease lease) =>
        new($"The lease '{lease.Name}' was taken over while this run stood still; the run that holds it now goes on.");
}

/// <summary>Another run holds the lease; the message says who and until when.</summary>
public sealed class JobBusyException(string message) : Exception(message);
