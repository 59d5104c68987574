using System.Text.Json;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake.Log;

/// <summary>When a version was committed.</summary>
internal readonly record struct CommitTime(long Version, DateTimeOffset Time);

/// <summary>
/// When each commit was made: the time that it says itself where the table has in-commit timestamps, else its file's. Never before the
/// one before it: files that were copied or made within one tick move on by a millisecond.
/// </summary>
internal static class CommitTimes
{
    /// <summary>The times of the commits that are there, in the order of versions, by their files.</summary>
    public static IReadOnlyList<CommitTime> OfFiles(LakePlace log, LogFiles files) => Of(log, files, null);

    /// <summary>The same, by what commits say from a version on.</summary>
    /// <exception cref="DeltaException">A commit that should say its time does not.</exception>
    public static IReadOnlyList<CommitTime> Of(LakePlace log, LogFiles files, long? saidFrom)
    {
        var times = new List<CommitTime>();
        foreach (var version in files.Commits)
        {
            // One that a clean-up takes meanwhile is as old as can be.
            var time = version >= saidFrom
                ? Said(log, LogFiles.CommitName(version))
                : DateTimeOffset.FromUnixTimeMilliseconds((files.Stat(version)?.Modified ?? DateTimeOffset.UnixEpoch).ToUnixTimeMilliseconds());
            if (times.Count > 0 && time <= times[^1].Time)
            {
                time = times[^1].Time.AddMilliseconds(1);
            }

            times.Add(new CommitTime(version, time));
        }

        return times;
    }

    // The protocol puts it into the first action.
    private static DateTimeOffset Said(LakePlace log, string commit)
    {
        try
        {
            using var document = JsonDocument.Parse(log.Lines(commit).FirstOrDefault(l => l.Length > 0) ?? string.Empty);
            return DateTimeOffset.FromUnixTimeMilliseconds(document.RootElement.GetProperty("commitInfo").GetProperty("inCommitTimestamp").GetInt64());
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentOutOfRangeException)
        {
            throw new DeltaException($"{log}: {commit} does not begin with its time, though the table has in-commit timestamps ({e.Message}). Name a version instead of a time.", e);
        }
    }
}
