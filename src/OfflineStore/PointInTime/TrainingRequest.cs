namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>What makes a row of a source count for a label.</summary>
public enum KnownTime
{
    /// <summary>It counts from when it was known: the commit of a change, <c>created_timestamp</c> of a feature row.</summary>
    Commit,

    /// <summary>Event times alone decide, with all that is known today: what leaks.</summary>
    Event,
}

/// <summary>Where the windows of aggregated views end.</summary>
public enum WindowAt
{
    /// <summary>At the feature times that were computed: the row that serving would have had.</summary>
    Snapshot,

    /// <summary>At each label's own time, exact to the microsecond, from the changes themselves.</summary>
    Label,
}

/// <summary>Where labels come from; one of the two is set.</summary>
/// <param name="Path">A Parquet or CSV file.</param>
/// <param name="Sql">A query over files and the lake's tables, each named by its path.</param>
/// <param name="TimeColumn">Which column is the label's time; null for <c>event_timestamp</c>, else the only column of times.</param>
public sealed record LabelInput(string? Path, string? Sql, string? TimeColumn);

/// <summary>How rows are chosen.</summary>
/// <param name="AsFeast">The values of Feast's DuckDB store: the source's types, the first of rows that tie, integers beside a missing value as doubles.</param>
/// <param name="AvailableAfter">A row counts only this long after it was known, as a run takes time.</param>
public sealed record JoinRules(bool AsFeast, KnownTime KnownTime, TimeSpan AvailableAfter, WindowAt WindowAt)
{
    /// <summary>Known time, at once, from computed windows.</summary>
    public static JoinRules Default { get; } = new(false, KnownTime.Commit, TimeSpan.Zero, WindowAt.Snapshot);
}

/// <summary>What a data set is made of.</summary>
/// <param name="Features">References as <c>view:feature</c>; empty when a service is named.</param>
/// <param name="FeatureService">A feature service, or null.</param>
/// <param name="FullNames">Columns are <c>view__feature</c>.</param>
/// <param name="AtVersions">Versions of lake tables by path; the newest of those that are not named.</param>
public sealed record TrainingRequest(
    LabelInput Labels,
    IReadOnlyList<string> Features,
    string? FeatureService,
    bool FullNames,
    JoinRules Rules,
    IReadOnlyDictionary<string, long> AtVersions);

/// <summary>The labels, or the features asked for, cannot be used; the message names the place and the way out.</summary>
public sealed class LabelException(string message, Exception? cause = null) : Exception(message, cause);
