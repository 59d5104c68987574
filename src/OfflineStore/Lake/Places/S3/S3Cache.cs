using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace FeatureStore.OfflineStore.Lake.Places.S3;

/// <summary>
/// Objects kept in a folder of this machine, since the engine reads files. A file is named by bucket, key and ETag, so it is never stale. The files used
/// longest ago go when there are more bytes than allowed, except those that an open database may be reading. One process at a time uses a
/// cache's slot; a further process has another.
/// </summary>
internal sealed class S3Cache : IDisposable
{
    private const int SlotsMax = 64;
    private readonly string _folder;
    private readonly long _bytesMax;
    private readonly FileStream _mark;
    private readonly Dictionary<string, Kept> _files = [];
    private readonly Lock _one = new();
    private long _bytes;

    private S3Cache(string folder, long bytesMax, FileStream mark)
    {
        (_folder, _bytesMax, _mark) = (folder, bytesMax, mark);
        foreach (var part in Directory.EnumerateFiles(Partial).ToList())
        {
            File.Delete(part); // A killed process left it.
        }

        foreach (var file in new DirectoryInfo(Objects).EnumerateFiles("*", SearchOption.AllDirectories).OrderBy(f => f.LastWriteTimeUtc))
        {
            _files[file.FullName] = new Kept(file.Length, long.MinValue + _files.Count, null);
            _bytes += file.Length;
        }
    }

    private string Objects => Directory.CreateDirectory(Path.Combine(_folder, "objects")).FullName;

    private string Partial => Directory.CreateDirectory(Path.Combine(_folder, "partial")).FullName;

    /// <summary>Takes the first slot that no living process has.</summary>
    /// <exception cref="S3Exception">All are taken.</exception>
    public static S3Cache Open(string folder, long bytesMax)
    {
        for (var slot = 0; slot < SlotsMax; slot++)
        {
            var own = Directory.CreateDirectory(Path.Combine(Path.GetFullPath(folder), $"slot-{slot}")).FullName;
            try
            {
                return new S3Cache(own, bytesMax, new FileStream(Path.Combine(own, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException)
            {
                // Another's.
            }
        }

        throw new S3Exception($"{folder}: {SlotsMax} processes use this cache already. Name another folder in fstore: s3: cache_folder.");
    }

    /// <summary>The file of an object, fetched if it is not kept.</summary>
    public string? Local(S3Objects objects, LakeObject known)
    {
        var path = PathOf(objects, known);
        lock (_one)
        {
            if (_files.TryGetValue(path, out var kept) && new FileInfo(path) is { Exists: true } info && info.Length == known.Bytes)
            {
                _files[path] = kept with { Used = Stopwatch.GetTimestamp(), Address = objects.Name(known.Name) };
                File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
                return path;
            }
        }

        var partial = Path.Combine(Partial, Guid.NewGuid().ToString("N"));
        try
        {
            LakeObject? fetched;
            using (var stream = new FileStream(partial, FileMode.CreateNew))
            {
                fetched = objects.Fetch(known.Name, stream);
            }

            if (fetched is null)
            {
                return null;
            }

            path = PathOf(objects, fetched);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            lock (_one)
            {
                File.Move(partial, path, overwrite: true);
                _bytes += fetched.Bytes - (_files.TryGetValue(path, out var old) ? old.Bytes : 0);
                _files[path] = new Kept(fetched.Bytes, Stopwatch.GetTimestamp(), objects.Name(known.Name));
                Evict();
            }

            return path;
        }
        finally
        {
            File.Delete(partial);
        }
    }

    /// <summary>The address of an object by its file.</summary>
    public string AddressOf(string file)
    {
        lock (_one)
        {
            return _files.GetValueOrDefault(file)?.Address ?? file;
        }
    }

    public void Dispose() => _mark.Dispose();

    private void Evict()
    {
        var inUse = OpenDatabases.ReadingSince();
        foreach (var (path, kept) in _bytes <= _bytesMax ? [] : _files.OrderBy(f => f.Value.Used).ToList())
        {
            if (_bytes <= _bytesMax || kept.Used >= inUse)
            {
                return;
            }

            File.Delete(path);
            _files.Remove(path);
            _bytes -= kept.Bytes;
        }
    }

    // The key's own folders stay: those such as day=2026-11-01 are columns of plain Parquet.
    private string PathOf(S3Objects objects, LakeObject known)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{objects.Bucket}\n{known.Name}\n{known.ETag}")))[..32];
        return known.Name.Split('/').Contains("..")
            ? throw new DeltaException($"{objects.Name(known.Name)} has '..' in its key, which names no file below a folder. Copy it to another key.")
            : Path.Combine(Objects, hash, known.Name);
    }

    /// <param name="Used">When it was last named, in ticks of <see cref="Stopwatch"/>.</param>
    private sealed record Kept(long Bytes, long Used, string? Address);
}
