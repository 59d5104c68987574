namespace FeatureStore.Jobs.Materialize;

/// <summary>The event times a run takes, both ends inclusive, in UTC. Source: Feast's <c>materialize</c> and <c>materialize_incremental</c>.</summary>
public readonly record struct MaterializeRange
{
    /// <summary>How far back an incremental run reaches when the view has neither an earlier run nor a ttl.</summary>
    public static readonly TimeSpan ReachWithoutTtl = TimeSpan.FromDays(7 * 52);

    private MaterializeRange(DateTimeOffset start, DateTimeOffset end)
    {
        Start = start;
        End = end;
    }

    /// <summary>The first event time that belongs to the run.</summary>
    public DateTimeOffset Start { get; }

    /// <summary>The last event time that belongs to the run.</summary>
    public DateTimeOffset End { get; }

    /// <summary>A range named by the caller.</summary>
    /// <exception cref="MaterializeRangeException">Start lies after end, or end lies in the future.</exception>
    public static MaterializeRange Between(DateTimeOffset start, DateTimeOffset end, DateTimeOffset now)
    {
        if (start > end)
        {
            throw new MaterializeRangeException($"The start {start:u} lies after the end {end:u}; swap them.");
        }

        if (end > now)
        {
            // A watermark in the future would hide every row that arrives before it.
            throw new MaterializeRangeException($"The end {end:u} lies in the future (now is {now:u}); give an end up to now.");
        }

        return new MaterializeRange(start.ToUniversalTime(), end.ToUniversalTime());
    }

    /// <summary>From the last materialised end, else one ttl before now, else <see cref="ReachWithoutTtl"/> before now, to <paramref name="end"/>.</summary>
    /// <exception cref="MaterializeRangeException">End lies before the start, or in the future. Feast notes such a range, start after end, and never loads the rows before it.</exception>
    public static MaterializeRange Incremental(DateTimeOffset? lastEnd, TimeSpan ttl, DateTimeOffset end, DateTimeOffset now)
    {
        var start = lastEnd ?? now - (ttl > TimeSpan.Zero ? ttl : ReachWithoutTtl);
        return start <= end
            ? Between(start, end, now)
            : throw new MaterializeRangeException(
                $"The end {end:u} lies before {start:u}, where an incremental run begins ({(lastEnd is null ? "the view's ttl before now" : "the end of the last run")}); give a later end, or materialize a range from an earlier start.");
    }
}

/// <summary>The caller asked for a range that cannot be run; the message says which bound and what to give instead.</summary>
public sealed class MaterializeRangeException(string message) : Exception(message);
