using Feast.Core;
using FeatureStore.Registry.Validation;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Files;

/// <summary>Finds what a registry notes of a view: its ranges and its state.</summary>
internal static class ViewMeta
{
    public static DateTimeOffset? LatestEnd(RegistryProto registry, string project, string view)
    {
        var ends = Of(registry, project, view).MaterializationIntervals.Where(i => i.EndTime is not null).Select(i => i.EndTime.ToDateTimeOffset()).ToArray();
        return ends.Length == 0 ? null : ends.Max();
    }

    /// <exception cref="RegistryException">There is no such view.</exception>
    public static FeatureViewMeta Of(RegistryProto registry, string project, string view)
    {
        if (registry.FeatureViews.FirstOrDefault(v => v.Spec?.Project == project && v.Spec.Name == view) is { } plain)
        {
            return plain.Meta ??= new FeatureViewMeta();
        }

        var stream = registry.StreamFeatureViews.FirstOrDefault(v => v.Spec?.Project == project && v.Spec.Name == view)
            ?? throw new RegistryException($"The registry has no feature view '{view}' in project '{project}'; run 'fstore apply', or correct the name.");
        return stream.Meta ??= new FeatureViewMeta();
    }
}
