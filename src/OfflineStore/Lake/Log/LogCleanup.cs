using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake.Log;

/// <summary>
/// Deletes commits and checkpoints that are older than a table's retention. Every version that was in force within the retention can
/// still be read: its newest checkpoint and all commits after that stay.
/// </summary>
internal static class LogCleanup
{
    /// <summary>Deletes what may go, oldest first, so that a broken run leaves no gap.</summary>
    /// <returns>Files deleted.</returns>
    public static int Run(LakePlace log, DateTimeOffset keepFrom, CancellationToken cancellationToken)
    {
        var files = LogFiles.List(log);
        var times = CommitTimes.OfFiles(log, files);
        if (times.Count == 0)
        {
            return 0;
        }

        // The version in force when the retention begins, or the first there is.
        var oldestKept = times.Where(t => t.Time <= keepFrom).Select(t => t.Version).DefaultIfEmpty(times[0].Version).Max();
        var covering = files.Checkpoints.Keys.Where(v => v <= oldestKept).DefaultIfEmpty(-1).Max();
        var deleted = 0;
        foreach (var version in files.Commits.Where(v => v < covering))
        {
            cancellationToken.ThrowIfCancellationRequested();
            log.Delete(LogFiles.CommitName(version));
            log.Delete(LogFiles.ChecksumName(version));
            LakeSteps.Log.LogFileDeleted();
            deleted++;
        }

        foreach (var part in files.Checkpoints.Where(c => c.Key < covering).SelectMany(c => c.Value))
        {
            log.Delete(part);
            deleted++;
        }

        if (deleted > 0)
        {
            log.Flush();
        }

        return deleted;
    }
}
