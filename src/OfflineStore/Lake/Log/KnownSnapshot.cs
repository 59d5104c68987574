namespace FeatureStore.OfflineStore.Lake.Log;

/// <summary>A state that was read, and what its last commit looked like then: a table that was removed and made anew has another commit in its place.</summary>
internal sealed record KnownSnapshot(DeltaSnapshot Snapshot, long Bytes, DateTime Written)
{
    /// <summary>Null where the commit of the state is gone, so that nothing tells it.</summary>
    public static KnownSnapshot? Of(DeltaSnapshot snapshot, LogFiles files, string logPath)
    {
        var info = Info(snapshot, logPath);
        return files.Commits.Contains(snapshot.Version) && info.Exists ? new KnownSnapshot(snapshot, info.Length, info.LastWriteTimeUtc) : null;
    }

    public bool IsStillIn(LogFiles files, string logPath)
    {
        var info = Info(Snapshot, logPath);
        return files.Commits.Contains(Snapshot.Version) && info.Exists && info.Length == Bytes && info.LastWriteTimeUtc == Written;
    }

    private static FileInfo Info(DeltaSnapshot snapshot, string logPath) => new(Path.Combine(logPath, LogFiles.CommitName(snapshot.Version)));
}
