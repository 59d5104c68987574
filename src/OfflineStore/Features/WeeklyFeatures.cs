using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.OfflineStore.Features;

/// <summary>What a computation wrote.</summary>
/// <param name="RowsWritten">Rows in new files, those of replaced partitions included.</param>
/// <param name="FilesReplaced">Files taken out because a row of theirs is no longer true.</param>
/// <param name="TableVersion">The table's version afterwards, or null where there is no table yet.</param>
public sealed record ComputeResult(long RowsWritten, int FilesReplaced, long? TableVersion);

/// <summary>
/// Computes aggregated views from their change tables. However often and in whatever portions it runs, the rows are the
/// same; no clock takes part.
/// </summary>
/// <param name="options">Bounds of the work; null takes the defaults.</param>
public sealed class WeeklyFeatures(string lakeRoot, LakeOptions? options = null)
{
    private const int AsOfMax = 100_000;

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
        var aggregated = view.Aggregated
            ?? throw new DeltaException($"View {view.Name} has no aggregations, so there is nothing to compute; name an aggregated view.");
        var times = asOfMicros.Distinct().Order().ToList();
        var sourceRoot = Path.Combine(lakeRoot, aggregated.SourcePath);
        var source = new DeltaLog(sourceRoot).Read(cancellationToken)
            ?? throw new DeltaException($"{sourceRoot} holds no change table yet; ingest changes before computing view {view.Name}.");
        var compiler = new FeatureSqlCompiler(view, aggregated, DeltaSchema.Read(source.Metadata.SchemaString, sourceRoot));

        var scan = new ChangeScan(sourceRoot, source, [.. ChangeColumns.Leading, .. compiler.RowColumns], aggregated.EventTimeColumn);
        using var database = LakeDatabase.Open(options);
        using var connection = LakeDatabase.Connect(database, cancellationToken);
        scan = Prepare(connection, compiler, scan, cancellationToken);
        var table = new FeatureTable(Path.Combine(lakeRoot, view.Source.Path), compiler.OutputColumns, view.Source.TimestampField);
        return table.Write(
            connection,
            times,
            time =>
            {
                connection.Execute(compiler.Members(scan, time), cancellationToken);
                connection.Execute(compiler.Rows(time), cancellationToken);
            },
            cancellationToken);
    }

    /// <summary>What all feature times share: the tables <c>repeated</c>, <c>versions</c> and <c>settled</c>.</summary>
    internal static ChangeScan Prepare(
        DuckDbConnection connection, FeatureSqlCompiler compiler, ChangeScan scan, CancellationToken cancellationToken)
    {
        // A truncate ends every key of its source, so none stands by itself.
        if (ChangeTraits.IsAny(connection, scan.Changes, "__op = 't'", cancellationToken))
        {
            scan = scan.AllChanges();
        }

        connection.Execute(compiler.Repeated(scan), cancellationToken);
        var traits = ChangeTraits.Of(connection, [scan.Changes, scan.Inserts], cancellationToken);
        connection.Execute(compiler.Versions(scan, traits), cancellationToken);
        connection.Execute(compiler.Settled(scan), cancellationToken);
        return scan;
    }
}
