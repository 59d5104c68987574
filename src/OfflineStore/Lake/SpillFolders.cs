using System.Collections.Concurrent;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>
/// Folders that DuckDB spills to: one for each process, marked by a lock that the operating system takes back when the process ends in
/// whatever way. What a killed process left is deleted by the next one that starts; another living one's is not touched.
/// </summary>
internal static class SpillFolders
{
    private const string Prefix = "process-";
    private const string LockSuffix = ".lock";
    private static readonly ConcurrentDictionary<string, Lazy<Own>> Owned = new();
    private static long _databases;

    /// <summary>A name for one database's folder; DuckDB makes it when it spills.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static string Next(string folder)
    {
        var own = Owned.GetOrAdd(Path.GetFullPath(folder), static f => new Lazy<Own>(() => Take(f))).Value;
        return Path.Combine(own.Folder, Interlocked.Increment(ref _databases).ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>Deletes what ended processes left.</summary>
    internal static void Sweep(string folder)
    {
        foreach (var mark in Directory.EnumerateFiles(folder, Prefix + "*" + LockSuffix).ToList())
        {
            try
            {
                using var taken = new FileStream(mark, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
                var left = mark[..^LockSuffix.Length];
                if (Directory.Exists(left))
                {
                    Directory.Delete(left, recursive: true);
                }

                File.Delete(mark);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Its process lives, belongs to another user, or another process sweeps too.
            }
        }
    }

    private static Own Take(string folder)
    {
        Directory.CreateDirectory(folder);
        Sweep(folder);
        while (true)
        {
            var own = Path.Combine(folder, Prefix + Guid.NewGuid().ToString("N"));
            try
            {
                // The mark comes first, so that no folder is ever without one.
                var mark = new FileStream(own + LockSuffix, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
                Directory.CreateDirectory(own);
                return new Own(own, mark);
            }
            catch (IOException) when (Directory.Exists(folder) && File.Exists(own + LockSuffix))
            {
                // A sweep took the mark between its making and its locking; the next name is another.
            }
        }
    }

    /// <summary>The process's folder, and the lock that lives as long as the process.</summary>
    private sealed record Own(string Folder, FileStream Mark);
}
