using System.Globalization;
using System.Text.RegularExpressions;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>What a log folder holds: commits by version, and the names of each whole checkpoint's parts. Every other file is somebody else's.</summary>
internal sealed partial class LogFiles
{
    private const int VersionDigits = 20;

    private readonly LakePlace _log;
    private readonly Dictionary<long, LakeObject> _told;

    private LogFiles(
        LakePlace log, SortedSet<long> commits, SortedDictionary<long, IReadOnlyList<string>> checkpoints, string? unknownCheckpoint, Dictionary<long, LakeObject> told)
    {
        (_log, _told) = (log, told);
        Commits = commits;
        Checkpoints = checkpoints;
        UnknownCheckpoint = unknownCheckpoint;
    }

    public SortedSet<long> Commits { get; }

    public SortedDictionary<long, IReadOnlyList<string>> Checkpoints { get; }

    /// <summary>The name of a checkpoint of the table feature v2Checkpoint, which is not read here; null where there is none.</summary>
    public string? UnknownCheckpoint { get; }

    public bool IsEmpty => Commits.Count == 0 && Checkpoints.Count == 0 && UnknownCheckpoint is null;

    public long Newest => Math.Max(Commits.Count == 0 ? -1 : Commits.Max, Checkpoints.Count == 0 ? -1 : Checkpoints.Keys.Last());

    /// <summary>A commit's length and age, from the listing where that told them; null where it is gone.</summary>
    public LakeObject? Stat(long version) => _told.TryGetValue(version, out var commit) ? commit : _log.Stat(CommitName(version));

    public static string CommitName(long version) => Digits(version) + ".json";

    public static string CheckpointName(long version) => Digits(version) + ".checkpoint.parquet";

    /// <summary>The name of the sums that Spark leaves beside a commit.</summary>
    public static string ChecksumName(long version) => Digits(version) + ".crc";

    public static LogFiles List(LakePlace log, long from = 0)
    {
        var commits = new SortedSet<long>();
        string? unknown = null;
        var parts = new SortedDictionary<(long Version, int Parts), SortedDictionary<int, string>>();
        var told = new Dictionary<long, LakeObject>();
        foreach (var entry in log.Entries(from > 0 ? Digits(from) : null))
        {
            var name = entry.Name;
            if (Commit(name) is { } version)
            {
                commits.Add(version);
                if (entry.Bytes >= 0)
                {
                    told[version] = entry;
                }
            }
            else if (CheckpointPattern().Match(name) is { Success: true } checkpoint && Number(checkpoint.Groups[1]) is { } start)
            {
                var (part, count) = checkpoint.Groups[2].Success
                    ? ((int)(Number(checkpoint.Groups[2]) ?? 0), (int)(Number(checkpoint.Groups[3]) ?? 0))
                    : (1, 1);
                parts.TryAdd((start, count), []);
                parts[(start, count)][part] = name;
            }
            else if (UnknownCheckpointPattern().IsMatch(name))
            {
                unknown = name;
            }
        }

        // A checkpoint in parts counts when all of them are there; what lacks one is passed over.
        var whole = new SortedDictionary<long, IReadOnlyList<string>>();
        foreach (var ((version, count), found) in parts.Where(p => p.Value.Keys.SequenceEqual(Enumerable.Range(1, p.Key.Parts))))
        {
            whole[version] = [.. found.Values];
        }

        return new LogFiles(log, commits, whole, unknown, told);
    }

    // Of these there are thousands.
    private static long? Commit(string name) =>
        name.Length == VersionDigits + ".json".Length && name.EndsWith(".json", StringComparison.Ordinal)
        && long.TryParse(name.AsSpan(0, VersionDigits), NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : null;

    private static string Digits(long version) => version.ToString("D20", CultureInfo.InvariantCulture);

    private static long? Number(Group digits) =>
        long.TryParse(digits.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    [GeneratedRegex(@"^([0-9]{20})\.checkpoint(?:\.([0-9]{10})\.([0-9]{10}))?\.parquet$")]
    private static partial Regex CheckpointPattern();

    [GeneratedRegex(@"^[0-9]{20}\.checkpoint\.[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\.(?:json|parquet)$")]
    private static partial Regex UnknownCheckpointPattern();
}
