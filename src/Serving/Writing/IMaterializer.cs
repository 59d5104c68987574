using FeatureStore.Registry.Snapshot;

namespace FeatureStore.Serving.Writing;

/// <summary>Who runs materializations that are asked for over HTTP. Serving knows no jobs.</summary>
public interface IMaterializer
{
    /// <summary>Materializes the views over a range of event times, both ends included; returns when all are done.</summary>
    Task MaterializeAsync(IReadOnlyList<FeatureViewModel> views, DateTimeOffset start, DateTimeOffset end, CancellationToken cancellationToken);

    /// <summary>The same from where each view's last run ended.</summary>
    Task MaterializeIncrementalAsync(IReadOnlyList<FeatureViewModel> views, DateTimeOffset end, CancellationToken cancellationToken);
}
