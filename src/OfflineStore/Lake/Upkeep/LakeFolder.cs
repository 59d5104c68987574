using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OfflineStore.Lake.Tables;

namespace FeatureStore.OfflineStore.Lake.Upkeep;

/// <summary>A Delta table of the lake in figures.</summary>
/// <param name="Path">Relative to the lake's root.</param>
/// <param name="Kind"><c>change</c> for a change table, else <c>table</c>.</param>
/// <param name="Rows">By the statistics of its files; null where one has none.</param>
/// <param name="Checkpoint">Version of the newest whole checkpoint, or null.</param>
/// <param name="Fault">Why it cannot be read; the figures are 0 then.</param>
public sealed record LakeTableInfo(string Path, string Kind, long Version, int Files, long Bytes, long? Rows, IReadOnlyList<string> PartitionColumns, long? Checkpoint, string? Fault);

/// <summary>The tables below a lake's root.</summary>
public static class LakeFolder
{
    /// <summary>Every Delta table, by path. One that cannot be read is told with its fault.</summary>
    public static IEnumerable<LakeTableInfo> Tables(LakePlace lake, CancellationToken cancellationToken) =>
        lake.TablePaths().Order(StringComparer.Ordinal).Select(path => Info(lake.Below(path), path, cancellationToken));

    /// <summary>True if the table has the columns that every change table begins with.</summary>
    public static bool IsChangeTable(DeltaSnapshot snapshot, string root)
    {
        var names = TableField.Read(snapshot.Metadata.SchemaString, root).Select(f => f.Name).ToHashSet();
        return ChangeColumns.Required.All(c => names.Contains(c.Name)) && snapshot.Metadata.PartitionColumns is [ChangeColumns.CommitDate];
    }

    private static LakeTableInfo Info(LakePlace root, string path, CancellationToken cancellationToken)
    {
        try
        {
            var log = new DeltaLog(root);
            if (log.Read(cancellationToken) is not { } snapshot)
            {
                return Faulty("its log is empty");
            }

            var checkpoints = LogFiles.List(log.LogPath).Checkpoints;
            var rows = snapshot.Files.Values.Select(f => f.Records).ToList();
            return new LakeTableInfo(
                path,
                IsChangeTable(snapshot, root.Address) ? "change" : "table",
                snapshot.Version,
                snapshot.Files.Count,
                snapshot.Files.Values.Sum(f => f.Size),
                rows.Contains(null) ? null : rows.Sum(),
                snapshot.Metadata.PartitionColumns,
                checkpoints.Count == 0 ? null : checkpoints.Keys.Last(),
                null);
        }
        catch (DeltaException e)
        {
            return Faulty(e.Message);
        }

        LakeTableInfo Faulty(string fault) => new(path, "table", 0, 0, 0, null, [], null, fault);
    }
}
