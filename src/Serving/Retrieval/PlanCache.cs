using System.Collections.Concurrent;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.Serving.Retrieval;

/// <summary>Compiled plans of one snapshot, kept for the next request that asks the same.</summary>
public sealed class PlanCache(RegistrySnapshot snapshot, StatusPolicy policy, RetrievalLimits limits)
{
    // Callers send few different lists; one who sends ever new ones costs the others no more than a new compilation.
    private const int ListsMax = 1_024;

    private readonly PlanCompiler _compiler = new(snapshot, policy);

    // Bounded by the registry: only services that exist are ever added.
    private readonly ConcurrentDictionary<string, RetrievalPlan> _services = new();
    private readonly ConcurrentDictionary<IReadOnlyList<string>, RetrievalPlan> _lists = new(ListComparer.Instance);

    public RegistrySnapshot Snapshot { get; } = snapshot;

    /// <summary>The plan of a feature service.</summary>
    /// <exception cref="RetrievalException">There is no such service, or it has too many features.</exception>
    public RetrievalPlan Service(string name)
    {
        if (!_services.TryGetValue(name, out var plan))
        {
            plan = _services.GetOrAdd(name, _compiler.Service(name));
        }

        limits.CheckFeatures(plan.Width);
        return plan;
    }

    /// <summary>The plan of a list of references.</summary>
    /// <exception cref="RetrievalException">The list is too long, or a reference is malformed or unknown.</exception>
    public RetrievalPlan References(IReadOnlyList<string> references)
    {
        ArgumentNullException.ThrowIfNull(references);
        limits.CheckFeatures(references.Count);
        if (_lists.TryGetValue(references, out var plan))
        {
            return plan;
        }

        if (_lists.Count >= ListsMax)
        {
            _lists.Clear();
        }

        // The caller's list may live in a message; the cache keeps its own.
        string[] own = [.. references];
        return _lists.GetOrAdd(own, _compiler.References(own));
    }

    private sealed class ListComparer : IEqualityComparer<IReadOnlyList<string>>
    {
        public static ListComparer Instance { get; } = new();

        public bool Equals(IReadOnlyList<string>? x, IReadOnlyList<string>? y)
        {
            if (x!.Count != y!.Count)
            {
                return false;
            }

            for (var i = 0; i < x.Count; i++)
            {
                if (x[i] != y[i])
                {
                    return false;
                }
            }

            return true;
        }

        public int GetHashCode(IReadOnlyList<string> obj)
        {
            var hash = default(HashCode);
            for (var i = 0; i < obj.Count; i++)
            {
                hash.Add(obj[i]);
            }

            return hash.ToHashCode();
        }
    }
}
