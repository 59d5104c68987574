using Feast.Core;
using Google.Protobuf.WellKnownTypes;

namespace FeatureStore.Registry.Files;

/// <summary>Changes that mean the same in every kind of registry.</summary>
internal static class RegistryChange
{
    public static void RecordInterval(
        IRegistryStore store, TimeProvider time, string project, string view, DateTimeOffset start, DateTimeOffset end, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, end);
        var interval = new MaterializationInterval { StartTime = Timestamp.FromDateTimeOffset(start), EndTime = Timestamp.FromDateTimeOffset(end) };
        store.Update(
            registry =>
            {
                var meta = ViewMeta.Of(registry, project, view);
                if (meta.State == FeatureViewState.AvailableOnline && meta.MaterializationIntervals.Contains(interval))
                {
                    return false;
                }

                if (!meta.MaterializationIntervals.Contains(interval))
                {
                    meta.MaterializationIntervals.Add(interval);
                }

                // As Feast ends a run; a state left behind by one that died would keep Feast's server from serving.
                meta.State = FeatureViewState.AvailableOnline;
                meta.LastUpdatedTimestamp = RegistryFile.Now(time);
                return true;
            },
            mustExist: true,
            cancellationToken);
    }

    public static IReadOnlyList<PlannedChange> RemoveProject(IRegistryStore store, string project, CancellationToken cancellationToken)
    {
        IReadOnlyList<PlannedChange> removed = [];
        store.Update(
            registry =>
            {
                removed = ProjectRemoval.Remove(registry, project);
                return removed.Count > 0;
            },
            mustExist: false,
            cancellationToken);
        return removed;
    }
}
