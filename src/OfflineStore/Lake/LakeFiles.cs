using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>Writes a table's Parquet files: each whole under <c>_tmp/</c> first, then moved to a name never used before.</summary>
internal sealed class LakeFiles(LakePlace table)
{
    public const string TemporaryFolder = "_tmp";

    /// <summary>Writes a query's rows as one file that waits under <c>_tmp/</c>; <see cref="Publish"/> moves it.</summary>
    public StagedFile Stage(
        DuckDbConnection connection, string select, string partitionColumn, string partitionValue, CancellationToken cancellationToken)
    {
        var name = $"part-{Guid.NewGuid():N}.parquet";
        var temporary = table.Draft($"{TemporaryFolder}/{name}");
        connection.Execute($"COPY ({select}) TO {LakeSql.Text(temporary)} (FORMAT PARQUET, COMPRESSION ZSTD)", cancellationToken);
        return new StagedFile(temporary, $"{partitionColumn}={partitionValue}/{name}", partitionColumn, partitionValue);
    }

    /// <summary>Moves a staged file into its partition, its bytes and its name flushed to disk, and returns it as the log will name it.</summary>
    public DeltaFile Publish(StagedFile staged, string? stats, IReadOnlyDictionary<string, string> tags)
    {
        var info = new FileInfo(staged.TemporaryPath);
        var (bytes, modified) = (info.Length, new DateTimeOffset(info.LastWriteTimeUtc).ToUnixTimeMilliseconds());
        table.Publish(staged.TemporaryPath, staged.Path);
        return new DeltaFile(
            staged.Path,
            new Dictionary<string, string?> { [staged.PartitionColumn] = staged.PartitionValue },
            bytes,
            modified,
            stats,
            tags);
    }

    /// <summary>Removes what a broken run left: staged files, and data files that no commit names. Call only as the single writer.</summary>
    public void RemoveOrphans(DeltaSnapshot? snapshot)
    {
        Delete(Orphans(snapshot));
    }

    /// <summary>Deletes what no commit names.</summary>
    public void Delete(IEnumerable<string> orphans)
    {
        foreach (var orphan in orphans)
        {
            table.Delete(orphan);
            LakeSteps.Log.DataFileDeleted();
        }
    }

    /// <summary>What waits for a commit, or was left by a broken run; names relative to the table.</summary>
    public static IEnumerable<LakeObject> Temporary(LakePlace table) =>
        table.Below(TemporaryFolder).Files(isHiddenLeftOut: false).Select(f => f with { Name = Path.Combine(TemporaryFolder, f.Name) });

    /// <summary>Staged files, and data files that no commit names.</summary>
    public List<string> Orphans(DeltaSnapshot? snapshot) =>
    [
        .. table.AllNames().Where(name => Path.GetFileName(name) is var file && file.StartsWith("part-", StringComparison.Ordinal) && file.EndsWith(".parquet", StringComparison.Ordinal)
            && snapshot?.Files.ContainsKey(name) != true),
    ];

    /// <summary>Removes files that were published or staged for a commit that did not happen, or that a commit took out.</summary>
    public void Delete(IEnumerable<DeltaFile> files)
    {
        foreach (var file in files)
        {
            table.Delete(file.Path);
        }
    }
}

/// <summary>A file that waits for its commit.</summary>
internal sealed record StagedFile(string TemporaryPath, string Path, string PartitionColumn, string PartitionValue);
