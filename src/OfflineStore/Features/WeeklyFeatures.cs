using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.OfflineStore.Features;

/// <summary>What a computation wrote.</summary>
/// <param name="RowsWritten">Rows in new files, those of replaced partitions included.</param>
/// <param name="FilesReplaced">Files taken out because a row of theirs is no longer true.</param>
/// <param name="TableVersion">The table's version afterwards, or null where there is no table yet.</param>
public sealed record ComputeResult(long RowsWritten, int FilesReplaced, long? TableVersion);

/// <summary>What a computation of touched rows did.</summary>
/// <param name="Users">Entities whose rows were computed anew.</param>
/// <param name="Times">Feature times at which they were.</param>
/// <param name="RowsWritten">Rows in new files, those of replaced partitions included.</param>
/// <param name="TimesWhole">Feature times that were computed for every entity, since it is not known up to where their rows are true, or a truncate came.</param>
/// <param name="FromVersion">The oldest version of the change table that rows were true up to; null if none is known.</param>
/// <param name="ToVersion">The version that they are true up to now.</param>
public sealed record TouchedResult(long Users, long Times, long RowsWritten, int TimesWhole, long? FromVersion, long ToVersion);

/// <summary>
/// Computes aggregated views from their change tables. However often and in whatever portions it runs, the rows are the
/// same; no clock takes part.
/// </summary>
/// <param name="options">Bounds of the work; null takes the defaults.</param>
public sealed class WeeklyFeatures(LakePlace lake, LakeOptions? options = null)
{
    private const int AsOfMax = 100_000;

    /// <summary>Parts in which values are gathered, at least; more where the memory asks for them.</summary>
    internal int Parts { get; init; } = 1;

    /// <summary>Computes the view as of <paramref name="fromMicros"/> and every step up to <paramref name="toMicros"/>, both inclusive.</summary>
    public ComputeResult Compute(
        FeatureViewModel view, long fromMicros, long toMicros, TimeSpan every, CancellationToken cancellationToken)
    {
        var step = every.Ticks / TimeSpan.TicksPerMicrosecond;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step, nameof(every));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((toMicros - fromMicros) / step, AsOfMax, nameof(toMicros));
        var times = new List<long>();
        for (var t = fromMicros; t <= toMicros; t += step)
        {
            times.Add(t);
        }

        return Compute(view, times, cancellationToken);
    }

    /// <summary>Computes the view as of each time (microseconds, UTC) and writes the rows that the feature table lacks.</summary>
    /// <exception cref="DeltaException">The view is not aggregated, a table is damaged, or another run wrote meanwhile.</exception>
    public ComputeResult Compute(FeatureViewModel view, IReadOnlyList<long> asOfMicros, CancellationToken cancellationToken)
    {
        using var run = ComputeRun.Open(lake, view, options, Parts, cancellationToken);
        return run.Compute([.. asOfMicros.Distinct().Order()], cancellationToken);
    }

    /// <summary>
    /// Brings every feature time that was computed before up to the change table's newest version, by computing anew only the users and times that the
    /// changes since then may have altered. The rows are those that a full computation gives.
    /// </summary>
    /// <exception cref="DeltaException">The view is not aggregated, a table is damaged, or another run wrote meanwhile.</exception>
    public TouchedResult ComputeTouched(FeatureViewModel view, CancellationToken cancellationToken)
    {
        using var run = ComputeRun.Open(lake, view, options, Parts, cancellationToken);
        return run.ComputeTouched(cancellationToken);
    }
}
