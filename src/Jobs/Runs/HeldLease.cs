using FeatureStore.Jobs.Materialize;

namespace FeatureStore.Jobs.Runs;

/// <summary>A lease that a run holds while it works: renewed between batches, and the end of the run where that was not in time.</summary>
internal sealed class HeldLease : IDisposable
{
    private readonly Leases _leases;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _over;
    private readonly CancellationTokenSource _either;
    private Lease _lease;

    public HeldLease(Leases leases, Lease lease, TimeProvider time, CancellationToken cancellationToken)
    {
        _leases = leases;
        _lease = lease;
        _time = time;
        _over = new CancellationTokenSource(Left(), time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_over.Token, cancellationToken);
    }

    /// <summary>Ends with the caller's token, or a margin before the lease does.</summary>
    public CancellationToken Token => _either.Token;

    /// <summary>True when it was the lease that ended.</summary>
    public bool IsOver => _over.IsCancellationRequested;

    /// <summary>Hands on the batches, each after a look at the lease, so that none is begun by one who no longer holds it.</summary>
    public IEnumerable<T> While<T>(IEnumerable<T> batches)
    {
        foreach (var batch in batches)
        {
            Take(_leases.Keep(_lease));
            yield return batch;
        }
    }

    /// <summary>Sees, and makes sure for the time of one more step, that the lease is still held.</summary>
    /// <exception cref="JobBusyException">Somebody else took it.</exception>
    public void Renew() => Take(_leases.Renew(_lease));

    public static JobBusyException Lost(Lease lease) =>
        new($"The lease '{lease.Name}' ended while this run stood still, and it may not write any more. If another run holds it now, that one goes on; else run this again.");

    /// <inheritdoc/>
    public void Dispose()
    {
        _either.Dispose();
        _over.Dispose();
    }

    private void Take(Lease? renewed)
    {
        if (renewed is null || IsOver)
        {
            throw Lost(_lease);
        }

        if (renewed.Expires != _lease.Expires)
        {
            _lease = renewed;
            _over.CancelAfter(Left());
        }
    }

    private TimeSpan Left()
    {
        var left = _lease.Expires - MaterializeJob.LeaseMargin - _time.GetUtcNow();
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
