using System.Collections.Concurrent;
using FeatureStore.OnlineStore;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Retrieval;

namespace FeatureStore.Serving;

/// <summary>What requests run on: the present snapshot, its compiled plans, and the reader. Safe for concurrent use.</summary>
public sealed class ServingRuntime(RegistrySnapshot snapshot, IOnlineStore store, TimeProvider time, RetrievalLimits limits)
{
    private volatile Compiled _compiled = new(snapshot);

    /// <summary>The version that <c>GetFeastServingInfo</c> answers.</summary>
    public static string Version { get; } = typeof(ServingRuntime).Assembly.GetName().Version!.ToString(3);

    public OnlineFeatureReader Reader { get; } = new(store, time, limits);

    /// <summary>Replaces the snapshot whole; requests that run keep the one they started with.</summary>
    public void Replace(RegistrySnapshot next) => _compiled = new Compiled(next);

    /// <summary>The plan of a feature service, compiled on its first use.</summary>
    public RetrievalPlan PlanService(string name)
    {
        var compiled = _compiled;
        return compiled.Services.TryGetValue(name, out var plan)
            ? plan
            : compiled.Services.GetOrAdd(name, RetrievalPlan.ForService(compiled.Snapshot, name));
    }

    public RetrievalPlan PlanReferences(IReadOnlyList<string> references) => RetrievalPlan.ForReferences(_compiled.Snapshot, references);

    private sealed class Compiled(RegistrySnapshot snapshot)
    {
        public RegistrySnapshot Snapshot { get; } = snapshot;

        // Bounded by the registry: only services that exist are ever added.
        public ConcurrentDictionary<string, RetrievalPlan> Services { get; } = new();
    }
}
