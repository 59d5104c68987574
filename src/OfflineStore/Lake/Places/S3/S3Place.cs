using System.Runtime.ExceptionServices;

namespace FeatureStore.OfflineStore.Lake.Places.S3;

/// <summary>
/// A prefix of a bucket. An object is there whole or not at all and cannot be moved, so files are made in a folder of this machine and sent under
/// their last name. What is read by the engine is fetched into the cache first.
/// </summary>
internal sealed class S3Place(S3Connection connection, S3Bucket bucket, string prefix) : LakePlace(prefix.Length == 0 ? $"s3://{bucket.Objects.Bucket}" : bucket.Objects.Name(prefix))
{
    private const string LogFolder = "_delta_log/";
    private const int AtOnce = 4;

    // From this many names on, a listing of the place is less than a request for each.
    private const int LookedAtMax = 4;

    internal override bool IsRemote => true;

    public override bool Exists => Objects.IsAny(Folder) || (prefix.Length > 0 && Objects.Stat(prefix) is not null);

    private protected override S3Connection S3 => connection;

    private S3Objects Objects => bucket.Objects;

    private string Folder => prefix.Length == 0 ? string.Empty : prefix + "/";

    private protected override LakePlace Under(string path) => connection.Place($"{Address}/{path}");

    private protected override IEnumerable<string> OwnTablePaths() => Tables(Folder);

    internal override IEnumerable<LakeObject> Entries(string? from) =>
        Objects.List(Folder, from is null ? null : Folder + from, isShallow: true).Select(Relative).Where(o => o.Name.Length > 0);

    internal override IEnumerable<string> AllNames() => All().Select(o => o.Name).ToList();

    internal override List<LakeObject> Files(bool isHiddenLeftOut) => [.. All().Where(o => !isHiddenLeftOut || !IsHiddenPath(o.Name))];

    internal override LakeObject? Stat(string name) => Objects.Stat(KeyOf(name)) is { } found ? found with { Name = name } : null;

    internal override string? FirstMissing(IEnumerable<string> names)
    {
        var list = names.ToList();
        var known = Known(list);
        return list.Find(n => !known.ContainsKey(n));
    }

    internal override byte[] Read(string name) => Objects.Get(KeyOf(name)) ?? throw new FileNotFoundException($"{Address}/{name} is not there.");

    internal override IEnumerable<string> Lines(string name)
    {
        using var reader = new StreamReader(new MemoryStream(Read(name)));
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }

    internal override bool PutIfAbsent(string name, byte[] bytes)
    {
        LakeSteps.Log.CommitReady();
        if (bucket.Commit.IsConditional(Folder))
        {
            return bucket.Commit.PutConditionally(KeyOf(name), bytes);
        }

        // Held by the run already, or for this commit alone.
        if (bucket.Leases.TryGetValue(Table, out var held))
        {
            return bucket.Commit.PutAsHolder(KeyOf(name), bytes, held);
        }

        using var lease = S3Lease.Take(connection.Requests, Objects, bucket.Upload, connection.Options, Table);
        return bucket.Commit.PutAsHolder(KeyOf(name), bytes, lease);
    }

    internal override void Put(string name, byte[] bytes) => bucket.Upload.Put(KeyOf(name), bytes);

    internal override void Delete(string name) => Objects.Delete(KeyOf(name));

    internal override IReadOnlyList<UnfinishedFile> Unfinished(DateTimeOffset before) =>
        [.. bucket.Upload.Unfinished(Folder, before).Select(u => new UnfinishedFile(u.Key[Folder.Length..], () => bucket.Upload.Remove(u.Key, u.UploadId)))];

    internal override void Flush()
    {
        // An answer means that it is durable.
    }

    internal override string Draft(string name)
    {
        var path = Path.Combine(SpillFolders.Next(Path.Combine(connection.Options.CacheFolder, "drafts")), Path.GetFileName(name));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }

    internal override void Publish(string draft, string name) => PublishAll([(draft, name)]);

    internal override void Replace(string draft, string name) => bucket.Upload.Send(draft, KeyOf(name));

    internal override void PublishAll(IReadOnlyList<(string Draft, string Name)> files)
    {
        LakeSteps.Log.FileStaged();
        Together(files, file =>
        {
            bucket.Upload.Send(file.Draft, KeyOf(file.Name));
            File.Delete(file.Draft);
            LakeSteps.Log.FileMoved();
        });
    }

    internal override IReadOnlyList<string> LocalFiles(IReadOnlyList<string> names)
    {
        var known = Known(names);
        var paths = new string[names.Count];
        Together([.. Enumerable.Range(0, names.Count)], i => paths[i] = (known.TryGetValue(names[i], out var found) ? connection.Cache.Local(Objects, found) : null)
            ?? throw new DeltaException($"{Address}: {names[i]} is gone; a vacuum may have taken it. Read the newest version, or restore the object."));
        return paths;
    }

    internal override IReadOnlyList<string> PlainParquet()
    {
        if (prefix.Length > 0 && Objects.Stat(prefix) is not null)
        {
            return LocalFiles(["."]);
        }

        return LocalFiles([.. AllNames().Where(n => n.EndsWith(".parquet", StringComparison.Ordinal)).Order(StringComparer.Ordinal)]);
    }

    internal override string NameOf(string localFile)
    {
        var address = connection.Cache.AddressOf(localFile);
        return address == Address ? "." : address.StartsWith(Address + "/", StringComparison.Ordinal) ? address[(Address.Length + 1)..] : address;
    }

    internal override IDisposable Lock()
    {
        if (bucket.Commit.IsConditional(Folder))
        {
            return new Held(static () => { });
        }

        var lease = S3Lease.Take(connection.Requests, Objects, bucket.Upload, connection.Options, Folder);
        bucket.Leases[Folder] = lease;
        return new Held(() =>
        {
            bucket.Leases.TryRemove(Folder, out _);
            lease.Dispose();
        });
    }

    public override void RemoveAll()
    {
        foreach (var found in Objects.List(Folder).ToList())
        {
            Objects.Delete(found.Name);
        }
    }

    // Of a log, the table above it; a commit is the only thing that is put under a condition.
    private string Table => Folder == LogFolder || Folder.EndsWith("/" + LogFolder, StringComparison.Ordinal) ? Folder[..^LogFolder.Length] : Folder;

    private static void Together<T>(IReadOnlyList<T> items, Action<T> act)
    {
        try
        {
            Parallel.ForEach(items, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, act);
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }

    private static bool IsHiddenPath(string name)
    {
        var parts = name.Split('/');
        return IsHidden(parts[^1]) || parts[..^1].Any(p => p.Length > 0 && IsHidden(p) && !p.Contains('=', StringComparison.Ordinal));
    }

    private IEnumerable<LakeObject> All() => Objects.List(Folder).Select(Relative).Where(o => o.Name.Length > 0 && !o.Name.EndsWith('/'));

    private Dictionary<string, LakeObject> Known(IReadOnlyList<string> names)
    {
        if (names.Count > LookedAtMax)
        {
            var wanted = names.ToHashSet();
            return Objects.List(Folder).Where(o => wanted.Contains(Relative(o).Name)).ToDictionary(o => Relative(o).Name);
        }

        return names.Distinct().Select(n => (Name: n, Found: Objects.Stat(KeyOf(n)))).Where(f => f.Found is not null).ToDictionary(f => f.Name, f => f.Found!);
    }

    private IEnumerable<string> Tables(string folder)
    {
        var folders = Objects.Folders(folder).ToList();
        return folders.Contains(folder + LogFolder)
            ? [folder.Length == Folder.Length ? "." : folder[Folder.Length..^1]]
            : folders.SelectMany(Tables);
    }

    private LakeObject Relative(LakeObject found) => found with { Name = found.Name[Folder.Length..] };

    private string KeyOf(string name) => name == "." ? prefix : Folder + name;

    private sealed class Held(Action release) : IDisposable
    {
        public void Dispose() => release();
    }
}
