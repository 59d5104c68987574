using System.IO.Enumeration;
using FeatureStore.OfflineStore.Lake.Places.S3;

namespace FeatureStore.OfflineStore.Lake.Places;

/// <summary>A folder of this machine. A name becomes visible with its whole content, by a move; bytes and names are flushed to disk.</summary>
internal sealed class FolderPlace(string folder, S3Connection? s3 = null) : LakePlace(folder)
{
    private const string LogFolder = "_delta_log";

    // Links lead out of the table.
    private static readonly EnumerationOptions OwnFiles = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };

    internal override bool IsRemote => false;

    public override bool Exists => Path.Exists(Address);

    private protected override S3Connection? S3 => s3;

    private protected override LakePlace Under(string path) => new FolderPlace(Path.Combine(Address, path), s3);

    private protected override IEnumerable<string> OwnTablePaths() => Roots(Address).Select(root => Path.GetRelativePath(Address, root));

    internal override IEnumerable<LakeObject> Entries(string? from)
    {
        if (!Directory.Exists(Address))
        {
            yield break;
        }

        // Lengths and ages cost a call for each file, and of commits there are thousands.
        foreach (var path in Directory.EnumerateFiles(Address))
        {
            yield return new LakeObject(Path.GetFileName(path), -1, default);
        }
    }

    internal override IEnumerable<string> AllNames() => Directory.Exists(Address)
        ? Directory.EnumerateFiles(Address, "*", SearchOption.AllDirectories).Select(NameOf).ToList()
        : [];

    internal override List<LakeObject> Files(bool isHiddenLeftOut)
    {
        if (!Directory.Exists(Address))
        {
            return [];
        }

        // An entry tells its length without an error though its file is gone by then.
        var files = new FileSystemEnumerable<LakeObject>(
            Address,
            static (ref FileSystemEntry entry) => new LakeObject(entry.ToFullPath(), entry.Length, entry.LastWriteTimeUtc),
            OwnFiles)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && !(isHiddenLeftOut && IsHidden(entry.FileName)),
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !(isHiddenLeftOut && IsHidden(entry.FileName) && !entry.FileName.Contains('=')),
        };
        return [.. files.Select(f => f with { Name = NameOf(f.Name) })];
    }

    internal override LakeObject? Stat(string name)
    {
        var info = new FileInfo(PathOf(name));
        return info.Exists ? new LakeObject(name, info.Length, info.LastWriteTimeUtc) : null;
    }

    internal override string? FirstMissing(IEnumerable<string> names) => names.FirstOrDefault(n => !File.Exists(PathOf(n)));

    internal override byte[] Read(string name) => File.ReadAllBytes(PathOf(name));

    internal override IEnumerable<string> Lines(string name) => File.ReadLines(PathOf(name));

    internal override bool PutIfAbsent(string name, byte[] bytes)
    {
        DurableFolder.Create(Address);
        var (target, temporary) = (PathOf(name), Temporary());
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                stream.Write(bytes);
                stream.Flush(flushToDisk: true);
            }

            LakeSteps.Log.CommitReady();
            if (!DurableFolder.TryLink(temporary, target))
            {
                return false;
            }
        }
        finally
        {
            File.Delete(temporary);
        }

        // Not within the try: a failure here is no conflict, the file is there.
        DurableFolder.Flush(Address);
        return true;
    }

    internal override void Put(string name, byte[] bytes)
    {
        var temporary = Temporary();
        try
        {
            File.WriteAllBytes(temporary, bytes);
            DurableFolder.FlushFile(temporary);
            File.Move(temporary, PathOf(name), overwrite: true);
            DurableFolder.Flush(Address);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    internal override void Delete(string name) => File.Delete(PathOf(name));

    internal override void Flush() => DurableFolder.Flush(Address);

    internal override string Draft(string name)
    {
        var path = PathOf(name);
        DurableFolder.Create(Path.GetDirectoryName(Path.GetFullPath(path))!);
        return path;
    }

    internal override void Publish(string draft, string name)
    {
        DurableFolder.FlushFile(draft);
        var target = PathOf(name);
        var within = Path.GetDirectoryName(target)!;
        DurableFolder.Create(within);
        LakeSteps.Log.FileStaged();
        File.Move(draft, target, overwrite: false);
        LakeSteps.Log.FileMoved();
        DurableFolder.Flush(within);
    }

    internal override void Replace(string draft, string name)
    {
        DurableFolder.FlushFile(draft);
        File.Move(draft, PathOf(name), overwrite: true);
        DurableFolder.Flush(Address);
    }

    internal override void PublishAll(IReadOnlyList<(string Draft, string Name)> files)
    {
        var targets = files.Select(f => PathOf(f.Name)).ToList();
        LakeSteps.Log.FileStaged();
        DurableFolder.CreateAll(targets.Select(t => Path.GetDirectoryName(t)!));
        foreach (var ((draft, _), target) in files.Zip(targets))
        {
            File.Move(draft, target, overwrite: false);
            LakeSteps.Log.FileMoved();
        }

        DurableFolder.FlushAll(Address, targets);
    }

    internal override IReadOnlyList<string> LocalFiles(IReadOnlyList<string> names) => [.. names.Select(PathOf)];

    internal override IReadOnlyList<string> PlainParquet() => File.Exists(Address) ? [Address]
        : Directory.Exists(Address) ? [.. Directory.EnumerateFiles(Address, "*.parquet", SearchOption.AllDirectories).Order(StringComparer.Ordinal)]
        : [];

    internal override string NameOf(string localFile) => Path.GetRelativePath(Address, localFile);

    internal override IDisposable Lock() => TableLock.Take(Address);

    public override void RemoveAll()
    {
        if (Directory.Exists(Address))
        {
            Directory.Delete(Address, recursive: true);
        }
    }

    private static IEnumerable<string> Roots(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return [];
        }

        return Directory.Exists(Path.Combine(folder, LogFolder)) ? [folder] : Directory.EnumerateDirectories(folder).SelectMany(Roots);
    }

    private string PathOf(string name) => Path.Combine(Address, name);

    private string Temporary() => Path.Combine(Address, $".{Guid.NewGuid():N}.tmp");
}
