using FeatureStore.Registry.Snapshot;

namespace FeatureStore.Serving.Writing;

/// <summary>Where offline pushes go. Serving knows no lake: an adapter appends the rows to the change log.</summary>
public interface IOfflinePush
{
    /// <summary>Keeps the rows durably; returns after that. Safe to repeat.</summary>
    Task AppendAsync(string pushSource, IReadOnlyList<FeatureViewModel> views, PushedColumns columns, CancellationToken cancellationToken);
}
