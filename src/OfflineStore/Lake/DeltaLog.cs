using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake.Log;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>How a commit ended.</summary>
public enum DeltaCommitOutcome
{
    /// <summary>The commit is durable.</summary>
    Committed,

    /// <summary>Another writer took the version; read again and decide anew.</summary>
    Conflict,
}

/// <summary>
/// The log of a Delta table: reads by replaying commits on the newest checkpoint, writes one commit put-if-absent. The newest
/// state is kept, so that a second reading replays only what came since.
/// </summary>
/// <param name="table">Where the table lies.</param>
/// <param name="time">The clock that commits are stamped by; the system's when null.</param>
public sealed class DeltaLog(LakePlace table, TimeProvider? time = null)
{
    private const string LogFolder = "_delta_log";
    private const int ReadAttemptsMax = 3;
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private volatile KnownSnapshot? _known;

    /// <summary>The table's folder or address.</summary>
    public string TableRoot => Table.Address;

    internal LakePlace Table { get; } = table;

    internal LakePlace LogPath { get; } = table.Below(LogFolder);

    /// <summary>The newest version, or null where no table is.</summary>
    /// <exception cref="DeltaException">The log is damaged, has a gap or no start, or needs a newer reader.</exception>
    public DeltaSnapshot? Read(CancellationToken cancellationToken) => Read(null, cancellationToken);

    /// <summary>The table as it was at a version; null asks for the newest.</summary>
    /// <exception cref="DeltaException">As for the newest; also if the version is later than that, or its log is cleaned away.</exception>
    public DeltaSnapshot? Read(long? version, CancellationToken cancellationToken)
    {
        var files = List(version);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return Read(files, version, cancellationToken);
            }
            catch (Exception e) when (attempt < ReadAttemptsMax && (e is FileNotFoundException or DeltaException))
            {
                // A clean-up takes away only what a checkpoint made before it covers, so a fresh listing has that one.
                var again = LogFiles.List(LogPath);
                if (again.Newest == files.Newest && again.Checkpoints.Keys.SequenceEqual(files.Checkpoints.Keys) && again.Commits.Count == files.Commits.Count)
                {
                    throw;
                }

                files = again;
            }
        }
    }

    /// <summary>The version in force at a time, or null where no table is.</summary>
    /// <exception cref="DeltaException">The log that is left begins after that time, or it is damaged.</exception>
    public long? VersionAt(DateTimeOffset time, CancellationToken cancellationToken)
    {
        if (Read(cancellationToken) is not { } newest)
        {
            return null;
        }

        var times = Times(newest);
        var before = times.Where(t => t.Time <= time).ToList();
        return before.Count > 0 ? before[^1].Version : throw new DeltaException(
            $"{TableRoot} has no version as old as {time:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}; its first commit that is left is of {times.Select(t => t.Time).FirstOrDefault():yyyy-MM-dd'T'HH:mm:ss.fff'Z'}.");
    }

    /// <summary>Writes version <paramref name="version"/> unless it exists; durable when this returns Committed. A checkpoint follows where one is due.</summary>
    public DeltaCommitOutcome TryCommit(long version, DeltaCommit commit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(version);

        // A lost answer is settled by the bytes that are found, so no two commits have the same.
        var text = commit.Write(_time.GetUtcNow().ToUnixTimeMilliseconds(), LogPath.IsRemote ? Guid.NewGuid().ToString() : null);
        if (!LogPath.PutIfAbsent(LogFiles.CommitName(version), Encoding.UTF8.GetBytes(text)))
        {
            return DeltaCommitOutcome.Conflict;
        }

        LakeSteps.Log.CommitDone();
        var settings = new TableSettings((commit.Metadata ?? _known?.Snapshot.Metadata)?.Configuration ?? new Dictionary<string, string>());
        if (version > 0 && version % settings.CheckpointInterval == 0)
        {
            CheckpointAfter(version, settings);
        }

        return DeltaCommitOutcome.Committed;
    }

    /// <summary>A version replayed from one checkpoint, or from the first commit where none is named.</summary>
    internal DeltaSnapshot ReadFrom(LogFiles files, long? checkpoint, long version, CancellationToken cancellationToken)
    {
        var replay = new DeltaReplay(TableRoot);
        if (checkpoint is { } start)
        {
            replay.ApplyCheckpoint(LogPath, files.Checkpoints[start], cancellationToken);
        }

        return Commits(replay, files, checkpoint + 1 ?? 0, version, cancellationToken);
    }

    internal IReadOnlyList<CommitTime> Times(DeltaSnapshot newest)
    {
        var settings = new TableSettings(newest.Metadata.Configuration);
        return CommitTimes.Of(LogPath, LogFiles.List(LogPath), settings.HasInCommitTimes ? settings.InCommitTimesFrom : null);
    }

    // A store that lists by requests is asked only for what came since.
    private LogFiles List(long? version) =>
        version is null && LogPath.IsRemote && _known is { } known && LogFiles.List(LogPath, known.Snapshot.Version) is { } tail && known.IsStillIn(tail)
            ? tail
            : LogFiles.List(LogPath);

    // The commit is made and its writer must not take it for failed: a checkpoint spares time and holds nothing of its own, so what keeps
    // it from being written is found by the next one that is due, or by a check of the table.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void CheckpointAfter(long version, TableSettings settings)
    {
        try
        {
            if (Read(version, CancellationToken.None) is not { } snapshot || !snapshot.IsWritable)
            {
                return;
            }

            var now = _time.GetUtcNow();
            var tombstonesFrom = settings.FileRetention is { } files ? (now - files).ToUnixTimeMilliseconds() : long.MinValue;
            new CheckpointWriter(LogPath).Write(snapshot, tombstonesFrom, CancellationToken.None);
            if (settings.LogRetention is { } retention)
            {
                _ = LogCleanup.Run(LogPath, now - retention, CancellationToken.None);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DuckDbException or DeltaException)
        {
            _known = null;
        }
    }

    private DeltaSnapshot? Read(LogFiles files, long? version, CancellationToken cancellationToken)
    {
        if (files.IsEmpty)
        {
            return null;
        }

        if (version > files.Newest || version < 0)
        {
            throw new DeltaException($"{TableRoot} has no version {version}; the newest is {files.Newest}.");
        }

        if (version is { } asked && asked != files.Newest)
        {
            return Replay(files, asked, cancellationToken);
        }

        var newest = _known is { } known && known.IsStillIn(files)
            ? GoOn(known.Snapshot, files, cancellationToken)
            : Replay(files, files.Newest, cancellationToken);
        _known = KnownSnapshot.Of(newest, files);
        return newest;
    }

    private DeltaSnapshot GoOn(DeltaSnapshot known, LogFiles files, CancellationToken cancellationToken) => known.Version == files.Newest
        ? known
        : Commits(DeltaReplay.From(TableRoot, known), files, known.Version + 1, files.Newest, cancellationToken);

    private DeltaSnapshot Replay(LogFiles files, long version, CancellationToken cancellationToken) =>
        files.Checkpoints.Any(c => c.Key <= version)
            ? ReplayFromCheckpoint(files, version, cancellationToken)
            : ReplayFromStart(files, version, null, cancellationToken);

    // The newest checkpoint that can be read, and the commits after it. _last_checkpoint is a hint for stores that list
    // slowly, and may be missing, stale or wrong; a folder is listed instead. A method of its own, since it alone needs the
    // engine: who reads a log without checkpoints loads none.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private DeltaSnapshot ReplayFromCheckpoint(LogFiles files, long version, CancellationToken cancellationToken)
    {
        Exception? damage = null;
        foreach (var (start, parts) in files.Checkpoints.Where(c => c.Key <= version).Reverse())
        {
            var replay = new DeltaReplay(TableRoot);
            try
            {
                replay.ApplyCheckpoint(LogPath, parts, cancellationToken);
            }
            catch (Exception e) when (e is DuckDbException or DeltaException)
            {
                damage = e;
                continue;
            }

            return Commits(replay, files, start + 1, version, cancellationToken);
        }

        return ReplayFromStart(files, version, damage, cancellationToken);
    }

    private DeltaSnapshot ReplayFromStart(LogFiles files, long version, Exception? damage, CancellationToken cancellationToken) => files.Commits.Contains(0)
        ? Commits(new DeltaReplay(TableRoot), files, 0, version, cancellationToken)
        : throw NoStart(files, damage);

    private DeltaSnapshot Commits(DeltaReplay replay, LogFiles files, long from, long to, CancellationToken cancellationToken)
    {
        for (var v = from; v <= to; v++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!files.Commits.Contains(v))
            {
                throw new DeltaException(
                    $"{TableRoot}: commit {v} is missing from the log, though {files.Newest} is there. Restore {LogFiles.CommitName(v)}; reading past a gap would give wrong rows.");
            }

            replay.Apply(LogPath, LogFiles.CommitName(v));
        }

        return replay.Finish(to);
    }

    private DeltaException NoStart(LogFiles files, Exception? damage) => new(
        $"{TableRoot}: the log does not start at version 0 (first commit: {(files.Commits.Count == 0 ? "none" : files.Commits.Min.ToString(CultureInfo.InvariantCulture))}) and no whole checkpoint stands in "
        + $"for what is missing{(damage is null ? string.Empty : $" ({damage.Message})")}. "
        + (files.UnknownCheckpoint is { } unknown ? $"{unknown} is of the table feature v2Checkpoint, which this reader does not know; drop that feature." : "Restore the older commits, or copy the table."), damage);
}
