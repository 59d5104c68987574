using FeatureStore.Registry.Snapshot;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Store;

namespace FeatureStore.Scoring.Online;

/// <summary>What a look at the store changed for one model.</summary>
/// <param name="Version">The version that scores now; null where none does.</param>
/// <param name="Refusal">Why the version that was made live does not; null where it does.</param>
public sealed record ModelChange(string Name, string? Version, string? Refusal);

/// <summary>The live versions of all models of a store, for a process that scores. The native runtime is loaded with the first of them.</summary>
/// <param name="only">Takes this model alone; null takes all.</param>
public sealed class LiveModels(ModelStore store, Func<RegistrySnapshot> snapshot, string? only = null) : IDisposable
{
    private readonly Lock _refreshing = new();
    private volatile IReadOnlyDictionary<string, Slot> _slots = new Dictionary<string, Slot>();

    /// <summary>Looks which versions are live, and takes up what changed since the last look. A version that cannot be used leaves the old one scoring.</summary>
    public IReadOnlyList<ModelChange> Refresh()
    {
        lock (_refreshing)
        {
            var changes = new List<ModelChange>();
            var slots = new Dictionary<string, Slot>(_slots);
            foreach (var name in only is null ? store.Names() : [only])
            {
                var old = slots.GetValueOrDefault(name);
                if (Next(name, old) is not { } next)
                {
                    continue;
                }

                slots[name] = next;
                if (next.Version != old?.Version || next.Refusal != old?.Refusal)
                {
                    changes.Add(new ModelChange(name, next.Version, next.Refusal));
                }
            }

            _slots = slots;
            return changes;
        }
    }

    /// <summary>The version that scores now, held open until it is disposed of.</summary>
    /// <exception cref="ModelStoreException">There is no such model, or no version of it is live.</exception>
    /// <exception cref="ModelRefusedException">Its live version cannot be used.</exception>
    public LiveModel.Lease Acquire(string name)
    {
        if (!_slots.TryGetValue(name, out var slot))
        {
            var there = string.Join(", ", store.Names().Where(n => store.LiveStamp(n) is not null));
            throw new ModelStoreException($"There is no live model '{name}'; {(there.Length == 0 ? "there is none at all. Add and promote one: fstore models add, fstore models promote" : $"live are: {there}")}.");
        }

        return slot.Model?.Acquire() ?? throw new ModelRefusedException(slot.Refusal!);
    }

    public void Dispose()
    {
        lock (_refreshing)
        {
            foreach (var slot in _slots.Values)
            {
                slot.Model?.Dispose();
            }

            _slots = new Dictionary<string, Slot>();
        }
    }

    /// <summary>The model's slot after a look; null where there is nothing to note.</summary>
    private Slot? Next(string name, Slot? old)
    {
        var current = snapshot();
        var stamp = string.Empty;
        try
        {
            stamp = store.LiveStamp(name) ?? string.Empty;

            // A changed registry may make a version fit that did not, and the other way round.
            if (stamp == (old?.Stamp ?? string.Empty) && (stamp.Length == 0 || ReferenceEquals(old!.Snapshot, current)))
            {
                return null;
            }

            if (stamp.Length == 0)
            {
                return old! with { Stamp = stamp, Refusal = $"No version of model '{name}' is live any more." };
            }

            var fingerprint = ServedFeatures.Of(current, store.Show(name).FeatureService).Fingerprint;
            var model = old?.Model;
            if (model is null)
            {
                model = LiveModel.Open(store, name, fingerprint);
            }
            else
            {
                model.Refresh(fingerprint);
            }

            using var lease = model.Acquire();
            return new Slot(stamp, current, model, lease.Version, null);
        }
        catch (Exception e) when (e is ModelRefusedException or ModelStoreException or IOException or UnauthorizedAccessException)
        {
            return new Slot(stamp, current, old?.Model, old?.Version, e.Message);
        }
    }

    /// <param name="Stamp">The store's, when it was looked at.</param>
    /// <param name="Model">Null where no version could be used yet.</param>
    /// <param name="Refusal">Why the version that was made live is not used.</param>
    private sealed record Slot(string Stamp, RegistrySnapshot Snapshot, LiveModel? Model, string? Version, string? Refusal);
}
