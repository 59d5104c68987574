using System.Runtime.InteropServices;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>
/// Makes names durable: a file's own flush keeps its bytes, and only a flush of the folder keeps its name. The runtime opens
/// no folders, so the calls are POSIX's; elsewhere the file system's journal must do.
/// </summary>
internal static partial class DurableFolder
{
    private const int ReadOnly = 0;
    private const int FilesForOneCall = 16;
    private const int NotPermitted = 1; // What file systems without links say, one or the other.
    private const int Taken = 17;
    private const int NotSupportedByMac = 45;
    private const int NotSupported = 95;

    /// <summary>Flushes a folder's entries to disk.</summary>
    /// <exception cref="IOException">The folder is gone, or the disk refused.</exception>
    public static void Flush(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var descriptor = Open(path, ReadOnly);
        if (descriptor < 0)
        {
            throw new IOException($"{path} cannot be opened to be flushed (errno {Marshal.GetLastPInvokeError()}).");
        }

        try
        {
            if (Fsync(descriptor) != 0)
            {
                throw new IOException($"{path} cannot be flushed to disk (errno {Marshal.GetLastPInvokeError()}).");
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>Flushes a file's bytes to disk.</summary>
    public static void FlushFile(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        stream.Flush(flushToDisk: true);
    }

    /// <summary>
    /// Flushes the bytes and the names of files that were moved to their places. Linux flushes a whole file system in one call, which is cheaper
    /// than a call for each file and folder from a few files on.
    /// </summary>
    public static void FlushAll(string root, IReadOnlyList<string> paths)
    {
        if (paths.Count >= FilesForOneCall && OperatingSystem.IsLinux() && TryFlushFileSystem(root))
        {
            return;
        }

        foreach (var path in paths)
        {
            FlushFile(path);
        }

        foreach (var folder in paths.Select(p => Path.GetDirectoryName(p)!).Distinct())
        {
            Flush(folder);
        }
    }

    /// <summary>
    /// Gives a file a further name unless that is taken; of several callers one is told true. The runtime's move without overwrite looks first and
    /// renames then, so that one of two that look at once takes the other's place.
    /// </summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public static bool TryLink(string path, string name)
    {
        if (!OperatingSystem.IsWindows())
        {
            if (Link(path, name) == 0)
            {
                return true;
            }

            var error = Marshal.GetLastPInvokeError();
            if (error == Taken)
            {
                return false;
            }

            if (error is not (NotPermitted or NotSupported or NotSupportedByMac))
            {
                throw new IOException($"{name} cannot be made (errno {error}).");
            }
        }

        // Windows looks and renames at once; a file system without links, such as FAT, has nothing better.
        try
        {
            File.Move(path, name, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(name))
        {
            return false;
        }
    }

    /// <summary>Makes a folder and those above it that are missing, each with a durable name.</summary>
    public static void Create(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Directory.Exists(full))
        {
            return;
        }

        var parent = Path.GetDirectoryName(full)!; // The root of the file system always exists.
        Create(parent);
        Directory.CreateDirectory(full);
        Flush(parent);
    }

    /// <summary>Makes many folders; one flush for all that lie in the same one.</summary>
    public static void CreateAll(IEnumerable<string> paths)
    {
        foreach (var siblings in paths.Distinct().Where(p => !Directory.Exists(p)).GroupBy(p => Path.GetDirectoryName(Path.GetFullPath(p))!))
        {
            Create(siblings.Key);
            foreach (var path in siblings)
            {
                Directory.CreateDirectory(path);
            }

            Flush(siblings.Key);
        }
    }

    private static bool TryFlushFileSystem(string path)
    {
        var descriptor = Open(path, ReadOnly);
        try
        {
            return descriptor >= 0 && SyncFileSystem(descriptor) == 0;
        }
        finally
        {
            _ = descriptor >= 0 ? Close(descriptor) : 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string path, string name);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    private static partial int SyncFileSystem(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
