using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>Writes a table's Parquet files: each whole under <c>_tmp/</c> first, then moved to a name never used before.</summary>
internal sealed class LakeFiles(string tableRoot)
{
    public const string TemporaryFolder = "_tmp";

    /// <summary>Writes a query's rows as one file that waits under <c>_tmp/</c>; <see cref="Publish"/> moves it.</summary>
    public StagedFile Stage(
        DuckDbConnection connection, string select, string partitionColumn, string partitionValue, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateDirectory(Path.Combine(tableRoot, TemporaryFolder));
        var name = $"part-{Guid.NewGuid():N}.parquet";
        var temporary = Path.Combine(folder.FullName, name);
        connection.Execute($"COPY ({select}) TO {LakeSql.Text(temporary)} (FORMAT PARQUET, COMPRESSION ZSTD)", cancellationToken);
        return new StagedFile(temporary, $"{partitionColumn}={partitionValue}/{name}", partitionColumn, partitionValue);
    }

    /// <summary>Moves a staged file into its partition, its bytes and its name flushed to disk, and returns it as the log will name it.</summary>
    public DeltaFile Publish(StagedFile staged, string? stats, IReadOnlyDictionary<string, string> tags)
    {
        DurableFolder.FlushFile(staged.TemporaryPath);
        var target = Path.Combine(tableRoot, staged.Path);
        var folder = Path.GetDirectoryName(target)!;
        DurableFolder.Create(folder);
        LakeSteps.Log.FileStaged();
        File.Move(staged.TemporaryPath, target, overwrite: false);
        LakeSteps.Log.FileMoved();
        DurableFolder.Flush(folder);
        var info = new FileInfo(target);
        var modified = new DateTimeOffset(info.LastWriteTimeUtc).ToUnixTimeMilliseconds();
        return new DeltaFile(
            staged.Path,
            new Dictionary<string, string?> { [staged.PartitionColumn] = staged.PartitionValue },
            info.Length,
            modified,
            stats,
            tags);
    }

    /// <summary>Removes what a broken run left: staged files, and data files that no commit names. Call only as the single writer.</summary>
    public void RemoveOrphans(DeltaSnapshot? snapshot)
    {
        if (!Directory.Exists(tableRoot))
        {
            return;
        }

        foreach (var path in Directory.EnumerateFiles(tableRoot, "part-*.parquet", SearchOption.AllDirectories).ToList())
        {
            var relative = Path.GetRelativePath(tableRoot, path);
            if (snapshot is null || !snapshot.Files.ContainsKey(relative))
            {
                File.Delete(path);
                LakeSteps.Log.DataFileDeleted();
            }
        }
    }

    /// <summary>Removes files that were published or staged for a commit that did not happen, or that a commit took out.</summary>
    public void Delete(IEnumerable<DeltaFile> files)
    {
        foreach (var file in files)
        {
            File.Delete(Path.Combine(tableRoot, file.Path));
        }
    }
}

/// <summary>A file that waits for its commit.</summary>
internal sealed record StagedFile(string TemporaryPath, string Path, string PartitionColumn, string PartitionValue);
