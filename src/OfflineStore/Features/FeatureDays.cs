using System.Globalization;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.OfflineStore.Features;

/// <summary>What the log of a view's feature table alone tells of its event times; no data is read and no engine started.</summary>
public static class FeatureDays
{
    /// <summary>The last day, in UTC and up to a given one, that has rows of an aggregated view; null where the log cannot tell.</summary>
    /// <exception cref="DeltaException">The table's log is damaged.</exception>
    public static DateOnly? Newest(LakePlace lake, FeatureViewModel view, DateOnly upTo, CancellationToken cancellationToken)
    {
        var days = new DeltaLog(lake.Below(view.Source.Path)).Read(cancellationToken)?.Files.Values
            .Select(f => f.PartitionValues.GetValueOrDefault(FeatureTable.PartitionColumn))
            .Select(d => DateOnly.TryParseExact(d, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : (DateOnly?)null)
            .Where(d => d <= upTo);
        return days?.Max();
    }
}
