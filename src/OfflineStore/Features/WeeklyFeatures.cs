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
public sealed class WeeklyFeatures(string lakeRoot)
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

        using var database = LakeDatabase.Open();
        using var connection = LakeDatabase.Connect(database, cancellationToken);
        var changes = LakeSql.Files(sourceRoot, source.Files.Values, [.. ChangeColumns.Leading, .. compiler.RowColumns]);
        connection.Execute(compiler.Intervals(changes), cancellationToken);
        var definitions = compiler.OutputColumns.Select(c => $"{LakeSql.Name(c.Name)} {LakeSql.Type(c.Type)}");
        connection.Execute($"CREATE TEMP TABLE computed ({string.Join(", ", definitions)})", cancellationToken);
        foreach (var time in times)
        {
            connection.Execute(compiler.Rows(time), cancellationToken);
        }

        var table = new FeatureTable(Path.Combine(lakeRoot, view.Source.Path), compiler.OutputColumns, view.Source.TimestampField);
        return table.Write(connection, times, cancellationToken);
    }
}
