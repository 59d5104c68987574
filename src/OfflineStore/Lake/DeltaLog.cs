using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>How a commit ended.</summary>
public enum DeltaCommitOutcome
{
    /// <summary>The commit is durable.</summary>
    Committed,

    /// <summary>Another writer took the version; read again and decide anew.</summary>
    Conflict,
}

/// <summary>The log of a Delta table on a folder: reads by replaying commits on the newest checkpoint, writes one commit put-if-absent.</summary>
public sealed class DeltaLog(string tableRoot)
{
    private const string LogFolder = "_delta_log";

    /// <summary>The table's folder.</summary>
    public string TableRoot { get; } = tableRoot;

    private string LogPath => Path.Combine(TableRoot, LogFolder);

    /// <summary>The newest version, or null where no table is.</summary>
    /// <exception cref="DeltaException">The log is damaged, has a gap or no start, or needs a newer reader.</exception>
    public DeltaSnapshot? Read(CancellationToken cancellationToken) => Read(null, cancellationToken);

    /// <summary>The table as it was at a version; null asks for the newest.</summary>
    /// <exception cref="DeltaException">As for the newest; also if the version is later than that, or its log is cleaned away.</exception>
    public DeltaSnapshot? Read(long? version, CancellationToken cancellationToken)
    {
        var files = LogFiles.List(LogPath);
        if (files.IsEmpty)
        {
            return null;
        }

        if (version > files.Newest || version < 0)
        {
            throw new DeltaException($"{TableRoot} has no version {version}; the newest is {files.Newest}.");
        }

        return Replay(files, version ?? files.Newest, cancellationToken);
    }

    private DeltaSnapshot Replay(LogFiles files, long version, CancellationToken cancellationToken) =>
        files.Checkpoints.Any(c => c.Key <= version)
            ? ReplayFromCheckpoint(files, version, cancellationToken)
            : ReplayFromStart(files, version, null, cancellationToken);

    // The newest checkpoint that can be read, and the commits after it. _last_checkpoint is a hint for stores that list
    // slowly, and may be missing, stale or wrong; a folder is listed instead. A method of its own, since it alone needs the
    // engine: who reads a log without checkpoints, as the server does, loads none.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private DeltaSnapshot ReplayFromCheckpoint(LogFiles files, long version, CancellationToken cancellationToken)
    {
        DuckDbException? damage = null;
        foreach (var (start, parts) in files.Checkpoints.Where(c => c.Key <= version).Reverse())
        {
            var replay = new DeltaReplay(TableRoot);
            try
            {
                replay.ApplyCheckpoint(parts, cancellationToken);
            }
            catch (DuckDbException e)
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
        : throw NoStart(files.Commits.Count == 0 ? null : files.Commits.Min, damage);

    private DeltaSnapshot Commits(DeltaReplay replay, LogFiles files, long from, long to, CancellationToken cancellationToken)
    {
        for (var v = from; v <= to; v++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!files.Commits.Contains(v))
            {
                throw new DeltaException(
                    $"{TableRoot}: commit {v} is missing from the log, though {files.Newest} is there. Restore {FileName(v)}; reading past a gap would give wrong rows.");
            }

            replay.Apply(Path.Combine(LogPath, FileName(v)));
        }

        return replay.Finish(to);
    }

    /// <summary>Writes version <paramref name="version"/> unless it exists; durable when this returns Committed.</summary>
    public DeltaCommitOutcome TryCommit(long version, DeltaCommit commit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(version);
        DurableFolder.Create(LogPath);
        var target = Path.Combine(LogPath, FileName(version));
        var temporary = Path.Combine(LogPath, $".{Guid.NewGuid():N}.tmp");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                stream.Write(Encoding.UTF8.GetBytes(commit.Write()));
                stream.Flush(flushToDisk: true);
            }

            // A move without overwrite links the new name and fails if it is taken: the put-if-absent of a folder.
            File.Move(temporary, target, overwrite: false);
        }
        catch (IOException) when (File.Exists(target))
        {
            return DeltaCommitOutcome.Conflict;
        }
        finally
        {
            File.Delete(temporary);
        }

        // Not within the try: a failure here is no conflict, the commit is there.
        DurableFolder.Flush(LogPath);
        return DeltaCommitOutcome.Committed;
    }

    private static string FileName(long version) => version.ToString("D20", CultureInfo.InvariantCulture) + ".json";

    private DeltaException NoStart(long? first, Exception? damage) => new(
        $"{TableRoot}: the log does not start at version 0 (first commit: {first?.ToString(CultureInfo.InvariantCulture) ?? "none"}) "
        + $"and no whole checkpoint stands in for what is missing{(damage is null ? string.Empty : $" ({damage.Message})")}. Restore the older commits, or copy the table.",
        damage);
}
