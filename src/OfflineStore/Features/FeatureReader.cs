using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.OfflineStore.Features;

/// <summary>A row of a feature table for a person to read; values follow the view's features.</summary>
public sealed record ShownRow(
    IReadOnlyList<object> Keys, IReadOnlyList<object?> Values, long EventTimeMicros, long? CreatedTimeMicros);

/// <summary>Reads a view's table, Delta or plain Parquet, in bounded batches.</summary>
/// <param name="lake">Place that relative source paths start from.</param>
/// <param name="entityKeyVersion">2 or 3, as the registry says.</param>
/// <param name="options">Bounds of the engine; the defaults when null.</param>
public sealed class FeatureReader(LakePlace lake, int entityKeyVersion, LakeOptions? options = null)
{
    /// <summary>Bytes of rows, by a guess, that are in work at once.</summary>
    internal long PartBytes { get; init; } = LatestAsked.PartBytesDefault;

    /// <summary>The newest row (event time, then created time, then position in the source) of each entity with start ≤ event time ≤ end, keys encoded, in batches and in no order.</summary>
    /// <exception cref="DeltaException">The table is missing or damaged, or a file of it goes while it is read.</exception>
    public IEnumerable<IReadOnlyList<EncodedRow>> Latest(
        FeatureViewModel view, long startMicros, long endMicros, int batchRows, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchRows);
        return Batches(view, startMicros, endMicros, null, batchRows, cancellationToken);
    }

    /// <summary>
    /// The same, and beside them the newest row ≤ end of each entity with a row added to the table after a version: a late row or a correction
    /// whose event time lies before the start.
    /// </summary>
    /// <param name="changedSince">A version of the table, as <see cref="TableVersion"/> gave it. Beyond the newest it is another table's, and every entity counts.</param>
    public IEnumerable<IReadOnlyList<EncodedRow>> LatestOrChanged(
        FeatureViewModel view, long startMicros, long endMicros, long changedSince, int batchRows, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchRows);
        return TableVersion(view, cancellationToken) is { } version && version >= changedSince
            ? Batches(view, startMicros, endMicros, changedSince, batchRows, cancellationToken)
            : Batches(view, LakeTime.Least, endMicros, null, batchRows, cancellationToken);
    }

    /// <summary>The newest version of the view's table; null for plain Parquet, which has none.</summary>
    public long? TableVersion(FeatureViewModel view, CancellationToken cancellationToken) =>
        new DeltaLog(lake.Below(view.Source.Path)).Read(cancellationToken)?.Version;

    /// <summary>The newest row of each entity, or of one, at or before a time; in key order, all held in memory.</summary>
    /// <param name="user">Value of the first join key, as text; null for all.</param>
    /// <param name="knownAtMicros">Only what was known at or before it: an earlier answer stays what it was, whatever was corrected since.</param>
    /// <param name="isHistory">Every version of the newest row that was known by then, not only the last.</param>
    /// <exception cref="DeltaException">The table is missing or damaged, or does not say when its rows were known.</exception>
    public IReadOnlyList<ShownRow> Show(
        FeatureViewModel view, long asOfMicros, string? user, CancellationToken cancellationToken, long knownAtMicros = SourceRows.Now, bool isHistory = false)
    {
        var shown = new List<ShownRow>();
        using var rows = new LatestQuery(lake.Below(view.Source.Path), options, view, new LatestAsked(LakeTime.Least, asOfMicros, user, null, knownAtMicros, isHistory, IsOrdered: true), cancellationToken);
        while (rows.NextChunk() is { } reader)
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                var keys = new object[view.JoinKeys.Count];
                var values = new object?[view.Features.Count];
                for (var k = 0; k < keys.Length; k++)
                {
                    keys[k] = FeatureCells.Plain(view.JoinKeys[k], reader, k, r)!;
                }

                for (var f = 0; f < values.Length; f++)
                {
                    values[f] = FeatureCells.Plain(view.Features[f], reader, keys.Length + f, r);
                }

                shown.Add(new ShownRow(keys, values, Event(view, reader, r), Created(view, reader, r)));
            }
        }

        return shown;
    }

    private IEnumerable<IReadOnlyList<EncodedRow>> Batches(
        FeatureViewModel view, long startMicros, long endMicros, long? changedSince, int batchRows, CancellationToken cancellationToken)
    {
        using var rows = new LatestQuery(lake.Below(view.Source.Path), options, view, new LatestAsked(startMicros, endMicros, null, changedSince, SourceRows.Now, false, IsOrdered: false) { PartBytes = PartBytes }, cancellationToken);
        var batch = new List<EncodedRow>(batchRows);
        while (rows.NextChunk() is { } reader)
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                batch.Add(Encode(view, reader, r));
                if (batch.Count == batchRows)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    yield return batch;
                    batch = new List<EncodedRow>(batchRows);
                }
            }
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }

    private EncodedRow Encode(FeatureViewModel view, DuckDbReader reader, int row)
    {
        var keys = new (string, Value)[view.JoinKeys.Count];
        for (var k = 0; k < keys.Length; k++)
        {
            keys[k] = (view.JoinKeys[k].Name, Value.Parser.ParseFrom(FeatureCells.Bytes(view.JoinKeys[k], reader, k, row)));
        }

        var values = new byte[view.Features.Count][];
        for (var f = 0; f < values.Length; f++)
        {
            values[f] = FeatureCells.Bytes(view.Features[f], reader, keys.Length + f, row);
        }

        return new EncodedRow(EntityKeyEncoder.Encode(keys, entityKeyVersion), Event(view, reader, row), Created(view, reader, row), values);
    }

    private static long Event(FeatureViewModel view, DuckDbReader reader, int row) =>
        reader.Int64(view.JoinKeys.Count + view.Features.Count, row);

    private static long? Created(FeatureViewModel view, DuckDbReader reader, int row)
    {
        var column = view.JoinKeys.Count + view.Features.Count + 1;
        return reader.IsNull(column, row) ? null : reader.Int64(column, row);
    }
}
