using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Features;

/// <summary>A row of a source table.</summary>
/// <param name="Key">Its key as JSON text.</param>
/// <param name="Values">One per asked column, CLR types as <see cref="LakeType"/> says.</param>
/// <param name="KnownMicros">Since when these values were known, microseconds since the epoch.</param>
public sealed record SourceRow(string Key, object?[] Values, long KnownMicros);

/// <summary>The rows of a source table as a change table tells them: those that live now, or those that were known at a time.</summary>
/// <param name="lake">Place that table paths start from.</param>
/// <param name="options">Bounds of the engine; the defaults when null.</param>
public sealed class SourceRows(LakePlace lake, LakeOptions? options = null)
{
    /// <summary>What <c>knownAtMicros</c> is for the newest rows.</summary>
    public const long Now = long.MaxValue - 1;

    /// <summary>The change table's own columns, in its order.</summary>
    /// <exception cref="DeltaException">There is no change table.</exception>
    public IReadOnlyList<LakeColumn> Columns(string table, CancellationToken cancellationToken) => Open(table, null, cancellationToken).Columns;

    /// <summary>
    /// Rows alive at a known time, in key order. The answer for a time in the past stays the same whatever is committed later; a change that arrives late
    /// was committed, and so known, before it arrived, and counts from its commit on.
    /// </summary>
    /// <param name="knownAtMicros">Changes known at or before it count; microseconds since the epoch.</param>
    /// <param name="version">The table as it was at a version of its log, for the answer that was given then; null for the newest.</param>
    /// <exception cref="DeltaException">There is no change table, or it is damaged.</exception>
    public IEnumerable<SourceRow> KnownAt(string table, long knownAtMicros, CancellationToken cancellationToken, long? version = null)
    {
        var (from, columns) = Open(table, version, cancellationToken);
        using var database = LakeDatabase.Open(options);
        using var connection = LakeDatabase.Connect(database, cancellationToken);
        var traits = ChangeTraits.Of(connection, [from], cancellationToken);
        var terms = string.Join(", ", columns.Select(c => c.Type == LakeType.Timestamp ? LakeSql.Micros(LakeSql.Name(c.Name), c.Type) : LakeSql.Name(c.Name)));
        var known = LakeSql.Number(knownAtMicros);
        using var reader = connection.Query(
            $"WITH RECURSIVE {ChangeVersions.With(from, columns, traits)} SELECT __key, k, {terms} FROM version WHERE __op <> 'd' AND k <= {known} AND k_next > {known} ORDER BY __source, __key",
            cancellationToken);
        while (reader.NextChunk())
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var values = new object?[columns.Count];
                for (var c = 0; c < values.Length; c++)
                {
                    values[c] = reader.IsNull(c + 2, r) ? null : Value(columns[c].Type, reader, c + 2, r);
                }

                yield return new SourceRow(reader.Text(0, r), values, reader.Int64(1, r));
            }
        }
    }

    private (string From, IReadOnlyList<LakeColumn> Columns) Open(string table, long? version, CancellationToken cancellationToken)
    {
        var path = lake.Below(table);
        var snapshot = new DeltaLog(path).Read(version, cancellationToken) ?? throw new DeltaException($"{path} holds no table; 'fstore ingest' makes it.");
        var all = DeltaSchema.Read(snapshot.Metadata.SchemaString, path.Address);
        if (!ChangeColumns.IsChangeTable(all))
        {
            throw new DeltaException($"{path} is no change table; name one that 'fstore ingest' fills.");
        }

        List<LakeColumn> own = [.. all.Where(c => !ChangeColumns.Leading.Contains(c) && !snapshot.Metadata.PartitionColumns.Contains(c.Name))];
        return (LakeSql.Files(path, snapshot.Files.Values, [.. ChangeColumns.Leading, .. own]), own);
    }

    private static object Value(LakeType type, DuckDbReader reader, int column, int row) => type switch
    {
        LakeType.String => reader.Text(column, row),
        LakeType.Int64 or LakeType.Timestamp => reader.Int64(column, row),
        LakeType.Int32 => reader.Int32(column, row),
        LakeType.Double => reader.Double(column, row),
        LakeType.Boolean => reader.Boolean(column, row),
        LakeType.Date => reader.Date(column, row),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not a lake type."),
    };
}
