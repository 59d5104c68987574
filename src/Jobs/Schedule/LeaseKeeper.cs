using FeatureStore.Jobs.Runs;

namespace FeatureStore.Jobs.Schedule;

/// <summary>Leases that work of any length is done under, renewed by a timer; <see cref="Token"/> ends when one of them is lost.</summary>
internal sealed class LeaseKeeper : IDisposable
{
    /// <summary>How long a lease outlives a process of another machine; one of this machine is seen to be gone at once.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(30);

    private readonly RunFile _file;
    private readonly Leases _leases;
    private readonly TimeProvider _time;
    private readonly string _owner = JobOwner.New();
    private readonly Dictionary<string, Lease> _held = [];
    private readonly CancellationTokenSource _lost = new();
    private readonly ITimer _timer;
    private bool _isOver;

    public LeaseKeeper(string path, TimeProvider time)
    {
        _file = RunFile.Open(path);
        _time = time;
        _leases = new Leases(_file, time, Duration);
        _timer = time.CreateTimer(_ => Renew(), null, Duration / 3, Duration / 3);
    }

    public CancellationToken Token => _lost.Token;

    /// <summary>Takes a lease; null if another holds it.</summary>
    public Lease? TryTake(string name)
    {
        lock (_held)
        {
            if (_held.ContainsKey(name) || _leases.TryAcquire(name, _owner, out _) is not { } lease)
            {
                return null;
            }

            _held[name] = lease;
            return lease;
        }
    }

    /// <summary>Takes one of so many numbered leases; null if all are held.</summary>
    public Lease? TryTakeSlot(string pool, int slots) =>
        Enumerable.Range(1, slots).Select(i => TryTake($"{pool}/{i}")).FirstOrDefault(l => l is not null);

    public void Release(Lease lease)
    {
        lock (_held)
        {
            if (_held.Remove(lease.Name, out var held))
            {
                _leases.Release(held);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Dispose();
        lock (_held)
        {
            _isOver = true;
            try
            {
                foreach (var lease in _held.Values)
                {
                    _leases.Release(lease);
                }
            }
            catch (RunFileException)
            {
                // A lease that cannot be given back ends by itself.
            }

            _held.Clear();
            _file.Dispose();
        }

        _lost.Dispose();
    }

    private void Renew()
    {
        lock (_held)
        {
            if (_isOver)
            {
                return;
            }

            foreach (var lease in _held.Values.ToArray())
            {
                if (Renewed(lease) is { } renewed)
                {
                    _held[lease.Name] = renewed;
                }
                else
                {
                    _lost.Cancel();
                    return;
                }
            }
        }
    }

    // A disk that is busy now may take the next try, while the lease lasts.
    private Lease? Renewed(Lease lease)
    {
        try
        {
            return _leases.Renew(lease);
        }
        catch (RunFileException)
        {
            return _time.GetUtcNow() < lease.Expires - (Duration / 3) ? lease : null;
        }
    }
}
