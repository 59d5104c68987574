using FeatureStore.OfflineStore.Lake.Log;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake.Upkeep;

/// <summary>What a vacuum deleted, or would delete.</summary>
/// <param name="Paths">Relative to the table's folder.</param>
/// <param name="Bytes">Of these.</param>
/// <param name="Uploads">Files that a broken run had sent in part to a bucket.</param>
public sealed record VacuumResult(IReadOnlyList<string> Paths, long Bytes, IReadOnlyList<string> Uploads, TimeSpan Retention);

/// <summary>
/// Deletes data files that no version within the retention names, and what broken runs left. A file is looked at by its own age too, so
/// one that a writer has not committed yet stays. It holds no state: a broken vacuum is run again.
/// </summary>
/// <param name="root">The table's folder.</param>
public sealed class Vacuum(LakePlace root, TimeProvider? time = null)
{
    // No writer stages files for so long.
    private static readonly TimeSpan TemporaryAge = TimeSpan.FromDays(1);
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Deletes, or tells only what it would.</summary>
    /// <param name="retention">How long files stay after the commit that took them out; null for the table's own, a week where it has none.</param>
    /// <param name="isShortAllowed">Takes a retention below the table's own. Readers of older versions and writers at work then lose files.</param>
    /// <exception cref="DeltaException">The retention is too short, or the table must not be written.</exception>
    public VacuumResult Run(TimeSpan? retention, bool isShortAllowed, bool isDryRun, CancellationToken cancellationToken)
    {
        // Listed before the log is read: what is committed meanwhile is named by then.
        var found = root.Files(isHiddenLeftOut: true);
        var log = new DeltaLog(root, _time);
        var snapshot = log.Read(cancellationToken) ?? throw new DeltaException($"{root} is no Delta table; it has no log.");
        snapshot.EnsureKnownWriter(root.Address);
        var kept = Retention(snapshot, retention, isShortAllowed);
        var now = _time.GetUtcNow();
        var keepFrom = now - kept;
        var named = Named(log, snapshot, keepFrom, cancellationToken);
        var old = found.Where(f => f.Modified < keepFrom && !named.Contains(f.Name)
            && (f.Name.EndsWith(".parquet", StringComparison.Ordinal) || snapshot.Tombstones.ContainsKey(f.Name)));
        var abandoned = now - (kept < TemporaryAge ? kept : TemporaryAge);
        var temporary = LakeFiles.Temporary(root).Where(f => f.Modified < abandoned);
        var uploads = root.Unfinished(abandoned);
        var doomed = old.Concat(temporary).ToList();
        foreach (var file in isDryRun ? [] : doomed)
        {
            cancellationToken.ThrowIfCancellationRequested();
            root.Delete(file.Name);
            LakeSteps.Log.DataFileDeleted();
        }

        foreach (var upload in isDryRun ? [] : uploads)
        {
            cancellationToken.ThrowIfCancellationRequested();
            upload.Remove();
        }

        return new VacuumResult([.. doomed.Select(f => f.Name)], doomed.Sum(f => f.Bytes), [.. uploads.Select(u => u.Name)], kept);
    }

    private TimeSpan Retention(DeltaSnapshot snapshot, TimeSpan? asked, bool isShortAllowed)
    {
        var own = new TableSettings(snapshot.Metadata.Configuration).FileRetention;
        if (own is null && asked is null)
        {
            throw new DeltaException($"{root}: delta.deletedFileRetentionDuration is no duration that is known here. Name the retention.");
        }

        if (asked is { } wanted && (wanted < TimeSpan.Zero || (!isShortAllowed && wanted < (own ?? TableSettings.FileRetentionDefault))))
        {
            throw new DeltaException(
                $"{root}: a retention of {wanted.TotalHours:0.##} hours is below the table's {(own ?? TableSettings.FileRetentionDefault).TotalHours:0.##}; readers of older versions and writers at work would lose files. "
                + "Ask for more, or say --allow-short-retention when nothing else uses the table.");
        }

        return asked ?? own!.Value;
    }

    /// <summary>Paths that the newest version names, and every version since a time: what a commit since then took out was live before it.</summary>
    private HashSet<string> Named(DeltaLog log, DeltaSnapshot snapshot, DateTimeOffset keepFrom, CancellationToken cancellationToken)
    {
        var named = snapshot.Files.Keys.ToHashSet();
        named.UnionWith(snapshot.Tombstones.Values
            .Where(t => t.DeletedMillis is not { } deleted || deleted >= keepFrom.ToUnixTimeMilliseconds())
            .Select(t => t.Path));
        var replay = new DeltaReplay(root.Address);
        foreach (var commit in log.Times(snapshot).Where(t => t.Time >= keepFrom))
        {
            cancellationToken.ThrowIfCancellationRequested();
            replay.Apply(log.LogPath, LogFiles.CommitName(commit.Version));
        }

        named.UnionWith(replay.Named);
        return named;
    }
}
