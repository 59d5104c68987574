namespace FeatureStore.OfflineStore.Explain;

/// <summary>One version of a source row that went into a value.</summary>
/// <param name="Source">The source, as events name it.</param>
/// <param name="Key">The row's primary key, as JSON.</param>
/// <param name="Lsn">Its position; with <paramref name="Part"/> and key the identity of the event.</param>
/// <param name="File">Parquet file of the change table, relative to the lake.</param>
/// <param name="KnownMicros">When the version became known, microseconds since the epoch.</param>
/// <param name="Value">What the aggregation reads; null is left out of it.</param>
public sealed record SourceRow(string Source, string Key, long Lsn, int Part, string Op, string File, long EventTimeMicros, long KnownMicros, object? Value);

/// <summary>The feature row that a stored value was taken from.</summary>
/// <param name="File">Parquet file of the feature table, relative to the lake.</param>
public sealed record FeatureRow(object? Value, long EventTimeMicros, long? CreatedMicros, string File);

/// <summary>Where one value of one entity comes from.</summary>
/// <param name="Function">The aggregation, or null for a view that has none.</param>
/// <param name="WindowStartMicros">First instant of the window, inclusive; its end, exclusive, is the row's event time.</param>
/// <param name="Rows">The rows in the window, in the order in which the arithmetic takes them.</param>
/// <param name="Arithmetic">The sum done over those rows, in words.</param>
/// <param name="Recomputed">Its result.</param>
public sealed record Explanation(
    FeatureRow Row, string? Function, long? WindowStartMicros, IReadOnlyList<SourceRow> Rows, string? Arithmetic, object? Recomputed)
{
    /// <summary>True if the arithmetic gives the row's value, bit for bit; always for a view without aggregations.</summary>
    public bool Agrees => Function is null || Equals(Row.Value, Recomputed);
}
