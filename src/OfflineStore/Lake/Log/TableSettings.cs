using System.Globalization;

namespace FeatureStore.OfflineStore.Lake.Log;

/// <summary>The properties of a table that steer its upkeep, by Delta's names, with Delta's defaults where it has one.</summary>
internal sealed class TableSettings(IReadOnlyDictionary<string, string> configuration)
{
    /// <summary>Commits between two checkpoints where the table does not say.</summary>
    public const int CheckpointIntervalDefault = 50;

    /// <summary>How long files stay that no version names any more, where the table does not say.</summary>
    public static readonly TimeSpan FileRetentionDefault = TimeSpan.FromDays(7);

    private const string CheckpointIntervalName = "delta.checkpointInterval";
    private static readonly TimeSpan LogRetentionDefault = TimeSpan.FromDays(30);

    /// <summary>A checkpoint is due with every version that this number divides.</summary>
    public int CheckpointInterval =>
        configuration.TryGetValue(CheckpointIntervalName, out var text)
        && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var interval) && interval > 0
            ? interval
            : CheckpointIntervalDefault;

    /// <summary>How long commits stay that a checkpoint covers; null where the table wants them kept for good.</summary>
    public TimeSpan? LogRetention =>
        configuration.TryGetValue("delta.enableExpiredLogCleanup", out var on) && on.Equals("false", StringComparison.OrdinalIgnoreCase)
            ? null
            : Duration("delta.logRetentionDuration", LogRetentionDefault);

    /// <summary>How long files stay that no version names any more; null where the table's own text cannot be told.</summary>
    public TimeSpan? FileRetention => Duration("delta.deletedFileRetentionDuration", FileRetentionDefault);

    /// <summary>The columns that statistics are kept of, where the table names them.</summary>
    public IReadOnlyList<string>? StatisticsColumns =>
        configuration.TryGetValue("delta.dataSkippingStatsColumns", out var names)
            ? [.. names.Split(',').Select(n => n.Trim().Trim('`')).Where(n => n.Length > 0)]
            : null;

    /// <summary>Of how many of the first columns statistics are kept; null for all.</summary>
    public int? StatisticsColumnsMax =>
        configuration.TryGetValue("delta.dataSkippingNumIndexedCols", out var text)
        && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var columns) && columns >= 0
            ? columns
            : null;

    /// <summary>True if the commits say their own time.</summary>
    public bool HasInCommitTimes => configuration.TryGetValue("delta.enableInCommitTimestamps", out var on) && on.Equals("true", StringComparison.OrdinalIgnoreCase);

    /// <summary>The first version whose commit says its time; 0 where they always did.</summary>
    public long InCommitTimesFrom =>
        configuration.TryGetValue("delta.inCommitTimestampEnablementVersion", out var text)
        && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : 0;

    // A text that cannot be told keeps everything: what was deleted does not come back.
    private TimeSpan? Duration(string name, TimeSpan byDefault) =>
        configuration.TryGetValue(name, out var text) ? Interval(text) : byDefault;

    /// <summary>Delta's <c>interval 1 week 2 days</c>, with or without the first word; null if it is none.</summary>
    internal static TimeSpan? Interval(string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var first = words.Length > 0 && words[0].Equals("interval", StringComparison.OrdinalIgnoreCase) ? 1 : 0;
        if (words.Length <= first || (words.Length - first) % 2 != 0)
        {
            return null;
        }

        var sum = TimeSpan.Zero;
        for (var w = first; w < words.Length; w += 2)
        {
            if (!int.TryParse(words[w], NumberStyles.None, CultureInfo.InvariantCulture, out var count) || Unit(words[w + 1]) is not { } unit)
            {
                return null;
            }

            sum += count * unit;
        }

        return sum;
    }

    private static TimeSpan? Unit(string word) => word.ToLowerInvariant().TrimEnd('s') switch
    {
        "week" => TimeSpan.FromDays(7),
        "day" => TimeSpan.FromDays(1),
        "hour" => TimeSpan.FromHours(1),
        "minute" => TimeSpan.FromMinutes(1),
        "second" => TimeSpan.FromSeconds(1),
        "millisecond" => TimeSpan.FromMilliseconds(1),
        _ => null,
    };
}
