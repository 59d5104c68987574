namespace FeatureStore.OfflineStore.Lake;

/// <summary>
/// Makes one process, and one thread of it, the writer of a table. The operating system holds the lock and takes it back
/// when the process ends in whatever way, so a lock file that lies about means nothing.
/// </summary>
internal static class TableLock
{
    /// <summary>Begins with an underscore, so that readers of a folder of Parquet leave it alone.</summary>
    internal const string FileName = "_fstore.lock";

    /// <summary>Takes the lock; dispose to give it back.</summary>
    /// <exception cref="DeltaException">Another writer has it.</exception>
    public static IDisposable Take(string tableRoot)
    {
        Directory.CreateDirectory(tableRoot);
        var path = Path.Combine(tableRoot, FileName);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new DeltaException($"{tableRoot}: another run is writing this table ({e.Message}). Wait for it to end, or stop it; one at a time writes a view.", e);
        }
    }
}
