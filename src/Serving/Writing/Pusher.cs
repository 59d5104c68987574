using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Metrics;
using FeatureStore.Serving.Retrieval;

namespace FeatureStore.Serving.Writing;

/// <summary>Takes pushes and direct writes, from whichever API.</summary>
public sealed class Pusher(OnlineWriter online, IOfflinePush? offline, ServingMetrics metrics)
{
    /// <summary>Pushes rows to every view that the source feeds.</summary>
    /// <param name="to"><c>online</c>, <c>offline</c> or <c>online_and_offline</c>.</param>
    /// <exception cref="RetrievalException">There is no such source or target, or the rows do not have the views' form.</exception>
    public async Task PushAsync(RegistrySnapshot snapshot, string pushSource, string to, PushedColumns columns, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var (toOnline, toOffline) = to switch
        {
            "online" => (true, false),
            "offline" => (false, true),
            "online_and_offline" => (true, true),
            _ => throw new RetrievalException(RetrievalFault.Invalid, $"'{to}' is no target of a push; send online, offline or online_and_offline."),
        };
        var views = snapshot.FeatureViews.Values.Where(v => v.StreamSource == pushSource).ToArray();
        if (views.Length == 0)
        {
            throw new RetrievalException(RetrievalFault.PushSourceNotFound, $"There is no push source '{pushSource}' that feeds a feature view; correct the name, or apply.");
        }

        if (toOffline)
        {
            // First, since a row that is kept can be materialized again, and one that is only served cannot be kept again.
            await (offline ?? throw new RetrievalException(RetrievalFault.NotSetUp, "This server takes no offline pushes; push to online, or start it with a change log."))
                .AppendAsync(pushSource, views, columns, cancellationToken);
        }

        if (toOnline)
        {
            foreach (var view in views)
            {
                await online.WriteAsync(snapshot, view, columns, cancellationToken);
            }
        }

        metrics.Push(pushSource, to);
    }

    /// <summary>Writes rows of one view.</summary>
    /// <param name="transform">True means that the rows of an on-demand view are inputs of its function; false, that they are its outputs.</param>
    /// <exception cref="RetrievalException">There is no such view, the rows do not have its form, or they would have to be transformed.</exception>
    public Task WriteAsync(RegistrySnapshot snapshot, string view, PushedColumns columns, bool transform, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        if (snapshot.OnDemandFeatureViews.TryGetValue(view, out var onDemand) && !snapshot.FeatureViews.ContainsKey(view))
        {
            return onDemand.Stored is { } stored && !transform
                ? online.WriteOutputsAsync(snapshot, stored, columns, cancellationToken)
                : throw new RetrievalException(RetrievalFault.NotServed, onDemand.Reason);
        }

        return snapshot.FeatureViews.TryGetValue(view, out var model)
            ? online.WriteAsync(snapshot, model, columns, cancellationToken)
            : throw new RetrievalException(RetrievalFault.FeatureNotFound, $"There is no feature view '{view}' that rows could be written to; correct the name, or apply.");
    }
}
