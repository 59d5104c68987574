namespace FeatureStore.Jobs.Runs;

/// <summary>The right to run one job until <see cref="Expires"/>.</summary>
/// <param name="Fence">Grows with each holder of the name; a store refuses a write whose fence is below the greatest it has seen.</param>
public sealed record Lease(string Name, string Owner, long Fence, DateTimeOffset Expires);

/// <summary>Leases of named jobs in a <see cref="RunFile"/>: one holder at a time, taken over when the holder did not renew it in time.</summary>
/// <param name="duration">How long a lease lasts after it is taken or renewed.</param>
public sealed class Leases(RunFile file, TimeProvider time, TimeSpan duration)
{
    private const long NotHeld = 0;

    /// <summary>Takes the lease unless somebody else holds it, whose process runs; the owner takes it anew with a new fence.</summary>
    /// <param name="holder">Who holds it and until when, if the answer is null.</param>
    public Lease? TryAcquire(string name, string owner, out Lease? holder)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(owner);
        var now = Instants.Micros(time.GetUtcNow());
        var (lease, other) = file.InTransaction<(Lease?, Lease?)>(() =>
        {
            var present = Read(name);
            if (present is not null && present.Owner != owner && Instants.Micros(present.Expires) > now && !JobOwner.IsGone(present.Owner))
            {
                return (null, present);
            }

            var taken = new Lease(name, owner, (present?.Fence ?? 0) + 1, Instants.FromMicros(now) + duration);
            file.Execute(
                "INSERT OR REPLACE INTO leases VALUES ($name, $owner, $fence, $expires)",
                ("$name", name),
                ("$owner", owner),
                ("$fence", taken.Fence),
                ("$expires", Instants.Micros(taken.Expires)));
            return (taken, null);
        });
        holder = other;
        return lease;
    }

    /// <summary>Prolongs a lease once a third of it is over; until then nobody else can have taken it. Null if somebody did.</summary>
    public Lease? Keep(Lease lease) => time.GetUtcNow() < lease.Expires - (duration * 2 / 3) ? lease : Renew(lease);

    /// <summary>Prolongs a lease that is still ours, expired or not; null if somebody else took it since.</summary>
    public Lease? Renew(Lease lease) => file.InTransaction(() =>
    {
        var renewed = lease with { Expires = time.GetUtcNow() + duration };
        return file.Execute(
            "UPDATE leases SET expires = $expires WHERE name = $name AND fence = $fence AND owner = $owner",
            ("$expires", Instants.Micros(renewed.Expires)),
            ("$name", lease.Name),
            ("$fence", lease.Fence),
            ("$owner", lease.Owner)) == 1 ? renewed : null;
    });

    /// <summary>Gives a lease that is still ours a greater fence, and its whole time anew; null if somebody else took it since.</summary>
    public Lease? RaiseFence(Lease lease, long fence)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(fence, lease.Fence);
        return file.InTransaction(() =>
        {
            var raised = lease with { Fence = fence, Expires = time.GetUtcNow() + duration };
            return file.Execute(
                "UPDATE leases SET fence = $raised, expires = $expires WHERE name = $name AND fence = $fence AND owner = $owner",
                ("$raised", fence),
                ("$expires", Instants.Micros(raised.Expires)),
                ("$name", lease.Name),
                ("$fence", lease.Fence),
                ("$owner", lease.Owner)) == 1 ? raised : null;
        });
    }

    /// <summary>Gives the lease back if it is still ours; the fence stays where it is.</summary>
    public void Release(Lease lease) => file.InTransaction(() => file.Execute(
        "UPDATE leases SET owner = NULL, expires = $none WHERE name = $name AND fence = $fence AND owner = $owner",
        ("$none", NotHeld),
        ("$name", lease.Name),
        ("$fence", lease.Fence),
        ("$owner", lease.Owner)));

    /// <summary>The leases under a prefix that somebody holds whose process runs.</summary>
    public IReadOnlyList<Lease> Held(string prefix) =>
    [
        .. file.Query(
            "SELECT name, owner, fence, expires FROM leases WHERE owner IS NOT NULL AND expires > $now AND substr(name, 1, length($prefix)) = $prefix ORDER BY name",
            r => new Lease(r.GetString(0), r.GetString(1), r.GetInt64(2), Instants.FromMicros(r.GetInt64(3))),
            ("$now", Instants.Micros(time.GetUtcNow())),
            ("$prefix", prefix)).Where(l => !JobOwner.IsGone(l.Owner)),
    ];

    private Lease? Read(string name) => file.Query(
        "SELECT coalesce(owner, ''), fence, expires FROM leases WHERE name = $name",
        r => new Lease(name, r.GetString(0), r.GetInt64(1), Instants.FromMicros(r.GetInt64(2))),
        ("$name", name)).FirstOrDefault();
}
