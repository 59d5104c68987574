using FeatureStore.OnlineStore;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Metrics;
using FeatureStore.Serving.Retrieval;
using FeatureStore.Serving.Writing;

namespace FeatureStore.Serving;

/// <summary>What requests run on: the present snapshot, its compiled plans, and the reader. Safe for concurrent use.</summary>
public sealed class ServingRuntime
{
    private volatile PlanCache _plans;

    public ServingRuntime(RegistrySnapshot snapshot, IOnlineStore store, TimeProvider time, RetrievalLimits limits, StatusPolicy? policy = null, ServingPorts? ports = null)
    {
        Limits = limits;
        Policy = policy ?? StatusPolicy.Strict;
        _plans = new PlanCache(snapshot, Policy, limits);
        Time = time;
        Ports = ports ?? ServingPorts.None;
        Pusher = new Pusher(new OnlineWriter(store, Policy, time), Ports.OfflinePush, Metrics);
        RowPusher = Policy.KeepsVectors
            ? new Pusher(new OnlineWriter(new VectorStore(store, () => _plans.Snapshot, time), Policy, time), Ports.OfflinePush, Metrics)
            : Pusher;
        Reader = new OnlineFeatureReader(store, time, limits, Policy, Metrics);
    }

    /// <summary>The version that <c>GetFeastServingInfo</c> answers.</summary>
    public static string Version { get; } = typeof(ServingRuntime).Assembly.GetName().Version!.ToString(3);

    public OnlineFeatureReader Reader { get; }

    public Pusher Pusher { get; }

    /// <summary>Takes the pushes of the gRPC API, which renew stored vectors; those of HTTP do not, in Feast neither.</summary>
    public Pusher RowPusher { get; }

    public ServingMetrics Metrics { get; } = new();

    /// <summary>Views whose online rows are gone, and with which answers are labelled.</summary>
    public LostViews Lost { get; } = new();

    public TimeProvider Time { get; }

    public RetrievalLimits Limits { get; }

    public ServingPorts Ports { get; }

    public StatusPolicy Policy { get; }

    /// <summary>Plans under the present snapshot; a request takes this once.</summary>
    public PlanCache Plans => _plans;

    /// <summary>Replaces the snapshot whole; requests that run keep the one they started with.</summary>
    public void Replace(RegistrySnapshot next) => _plans = new PlanCache(next, Policy, Limits);
}
