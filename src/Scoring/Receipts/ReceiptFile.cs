namespace FeatureStore.Scoring.Receipts;

/// <summary>The file that one process appends to. Its lock is one of the operating system, which ends with the process, however that ends.</summary>
internal sealed class ReceiptFile : IDisposable
{
    private const string LockEnding = ".lock";

    private readonly FileStream _lock;
    private readonly FileStream _file;

    private ReceiptFile(FileStream guard, FileStream file)
    {
        _lock = guard;
        _file = file;
    }

    public long Bytes => _file.Length;

    /// <summary>The newest file that is not full and nobody writes, cut after its last whole line; else a new one. Files beyond the bound are removed, the oldest first.</summary>
    public static ReceiptFile Open(ReceiptOptions options)
    {
        var files = ReceiptFolder.Files(options.Folder);
        var opened = files.Count > 0 && new FileInfo(files[^1]).Length < options.FileBytesMax ? TryOpen(files[^1]) : null;
        for (var number = files.Count > 0 ? ReceiptFolder.NumberOf(files[^1]) + 1 : 1; opened is null; number++)
        {
            opened = TryOpen(ReceiptFolder.PathOf(options.Folder, number));
        }

        foreach (var path in ReceiptFolder.Files(options.Folder).SkipLast(options.FilesMax))
        {
            Remove(path);
        }

        return opened;
    }

    /// <summary>Appends and waits until the disk has it; after a failure the file is as it was.</summary>
    public void Append(ReadOnlySpan<byte> lines)
    {
        var before = _file.Length;
        try
        {
            _file.Write(lines);
            _file.Flush(flushToDisk: true);
        }
        catch (IOException)
        {
            _file.SetLength(before);
            throw;
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        _lock.Dispose();
    }

    private static ReceiptFile? TryOpen(string path)
    {
        if (Lock(path) is not { } guard)
        {
            return null;
        }

        try
        {
            // Unbuffered: what Append was given is written by it or not at all.
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            file.SetLength(ReceiptFolder.WholeBytes(file));
            file.Position = file.Length;
            return new ReceiptFile(guard, file);
        }
        catch
        {
            guard.Dispose();
            throw;
        }
    }

    private static FileStream? Lock(string path)
    {
        try
        {
            return new FileStream(path + LockEnding, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(path + LockEnding))
        {
            return null;
        }
    }

    // One that another process still writes is left to it.
    private static void Remove(string path)
    {
        using (var guard = Lock(path))
        {
            if (guard is null)
            {
                return;
            }

            File.Delete(path);
        }

        File.Delete(path + LockEnding);
    }
}
