using System.Globalization;
using System.Text;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>How a commit ended.</summary>
public enum DeltaCommitOutcome
{
    /// <summary>The commit is durable.</summary>
    Committed,

    /// <summary>Another writer took the version; read again and decide anew.</summary>
    Conflict,
}

/// <summary>The log of a Delta table on a folder: reads by replaying commits, writes one commit put-if-absent.</summary>
public sealed class DeltaLog(string tableRoot)
{
    private const string LogFolder = "_delta_log";
    private const int VersionDigits = 20;

    /// <summary>The table's folder.</summary>
    public string TableRoot { get; } = tableRoot;

    private string LogPath => Path.Combine(TableRoot, LogFolder);

    /// <summary>The newest version, or null where no table is.</summary>
    /// <exception cref="DeltaException">The log is damaged, has a gap or no start, or needs a newer reader.</exception>
    public DeltaSnapshot? Read(CancellationToken cancellationToken)
    {
        var versions = Versions();
        if (versions.Count == 0)
        {
            if (Directory.Exists(LogPath) && Directory.EnumerateFiles(LogPath, "*.checkpoint*").Any())
            {
                throw NoStart(null);
            }

            return null;
        }

        if (versions[0] != 0)
        {
            throw NoStart(versions[0]);
        }

        var replay = new DeltaReplay(TableRoot);
        for (var v = 0; v < versions.Count; v++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (versions[v] != v)
            {
                throw new DeltaException(
                    $"{TableRoot}: commit {v} is missing from the log, though {versions[v]} is there. Restore {FileName(v)}; reading past a gap would give wrong rows.");
            }

            replay.Apply(Path.Combine(LogPath, FileName(v)));
        }

        return replay.Finish(versions.Count - 1);
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

    private List<long> Versions()
    {
        if (!Directory.Exists(LogPath))
        {
            return [];
        }

        var versions = new List<long>();
        foreach (var path in Directory.EnumerateFiles(LogPath, "*.json"))
        {
            var name = Path.GetFileNameWithoutExtension(path);
            if (name.Length == VersionDigits && name.All(char.IsAsciiDigit))
            {
                versions.Add(long.Parse(name, CultureInfo.InvariantCulture));
            }
        }

        versions.Sort();
        return versions;
    }

    private DeltaException NoStart(long? first) => new(
        $"{TableRoot}: the log does not start at version 0 (first commit: {first?.ToString(CultureInfo.InvariantCulture) ?? "none"}). "
        + "This reader replays commits and reads no checkpoints; restore the older commits, or copy the table.");
}
