using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OfflineStore.Lake.Tables;
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
    /// <summary>The newest row (event time, then created time, then position in the source) of each entity with start ≤ event time ≤ end, keys encoded, in batches.</summary>
    /// <exception cref="DeltaException">The table is missing or damaged.</exception>
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
        using var database = LakeDatabase.Open(options);
        using var connection = LakeDatabase.Connect(database, cancellationToken);
        using var reader = connection.Query(LatestSql(connection, view, new Asked(LakeTime.Least, asOfMicros, user, null, knownAtMicros, isHistory), cancellationToken), cancellationToken);
        while (reader.NextChunk())
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
        using var database = LakeDatabase.Open(options);
        using var connection = LakeDatabase.Connect(database, cancellationToken);
        using var reader = connection.Query(LatestSql(connection, view, new Asked(startMicros, endMicros, null, changedSince, SourceRows.Now, false), cancellationToken), cancellationToken);
        var batch = new List<EncodedRow>(batchRows);
        while (reader.NextChunk())
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

    private sealed record Asked(long StartMicros, long EndMicros, string? User, long? ChangedSince, long KnownAtMicros, bool IsHistory);

    private string LatestSql(DuckDbConnection connection, FeatureViewModel view, Asked asked, CancellationToken cancellationToken)
    {
        var (from, columns, added) = From(connection, view, asked.ChangedSince, cancellationToken);
        var types = connection.Describe($"SELECT * FROM {from}", cancellationToken).ToDictionary(c => c.Name, c => c.Type);
        string Column(FieldModel field)
        {
            var source = ViewColumns.SourceColumn(view, field.Name);
            return types.TryGetValue(source, out var type)
                ? FeatureCells.Sql(source, type, field.Type)
                : throw new DeltaException($"{view.Source.Path} has no column {source}, which view {view.Name} needs; correct the view or its source.");
        }

        var keys = view.JoinKeys.Select(Column).ToList();
        var whose = asked.User is null ? "" : $" AND CAST({keys[0]} AS VARCHAR) = {LakeSql.Text(asked.User)}";
        if (ChangeColumns.IsChangeTable(columns))
        {
            return asked.IsHistory
                ? throw new DeltaException($"View {view.Name} reads the change table {view.Source.Path}, whose rows are the history themselves; ask for its rows as known at a time.")
                : VersionRows.Latest(view, columns, from, Column, whose, asked.StartMicros, asked.EndMicros, added, ChangeTraits.Of(connection, [from], cancellationToken), asked.KnownAtMicros);
        }

        var time = $"epoch_us({LakeSql.Name(view.Source.TimestampField)})";
        var created = view.Source.CreatedTimestampColumn is { } c ? $"epoch_us({LakeSql.Name(c)})" : "CAST(NULL AS BIGINT)";
        var newest = string.Join(", ", keys);
        var known = asked.KnownAtMicros == SourceRows.Now ? string.Empty
            : view.Source.CreatedTimestampColumn is not null ? $" AND {created} <= {LakeSql.Number(asked.KnownAtMicros)}"
            : throw new DeltaException($"The source of view {view.Name} has no created_timestamp_column, so it does not say when its rows were known; name one.");

        // An entity with a row in the range has its newest one there, whatever was added before the start.
        var start = LakeSql.Number(asked.StartMicros);
        var taken = added is null
            ? $"{time} >= {start}"
            : $"({time} >= {start} OR struct_pack({Packed(keys)}) IN (SELECT struct_pack({Packed(keys)}) FROM {added}))";
        return $"""
            SELECT {string.Join(", ", keys.Concat(view.Features.Select(Column)))}, {time}, {created}
            FROM {from}
            WHERE {taken} AND {time} <= {LakeSql.Number(asked.EndMicros)}{whose}{known}
                AND {string.Join(" AND ", keys.Select(k => k + " IS NOT NULL"))}
            QUALIFY {(asked.IsHistory ? $"rank() OVER (PARTITION BY {newest} ORDER BY {time} DESC)" : $"row_number() OVER (PARTITION BY {newest} ORDER BY {time} DESC, {created} DESC NULLS LAST, {LakeSql.LastFirst})")} = 1
            ORDER BY {newest}{(asked.IsHistory ? ", " + created : string.Empty)}
            """;
    }

    private static string Packed(IEnumerable<string> keys) => string.Join(", ", keys.Select((k, i) => $"k{i} := {k}"));

    /// <summary>A FROM term, the columns that a Delta table says it has (none for plain Parquet), and a FROM term of the files added after a version.</summary>
    private (string Sql, IReadOnlyList<LakeColumn> Columns, string? Added) From(DuckDbConnection connection, FeatureViewModel view, long? changedSince, CancellationToken cancellationToken)
    {
        var path = lake.Below(view.Source.Path);
        if (new DeltaLog(path).Read(cancellationToken) is { } snapshot)
        {
            var known = changedSince is { } version ? new DeltaLog(path).Read(version, cancellationToken)?.Files : null;
            var columns = ChangeColumns.Read(snapshot, path.Address);
            var added = changedSince is null ? null : LakeSql.Files(path, snapshot.Files.Values.Where(f => known?.ContainsKey(f.Path) != true), columns);
            return (LakeSql.Files(path, snapshot.Files.Values, columns, withPosition: true), columns, added);
        }

        return (PlainParquet.From(connection, PlainParquet.Files(path, view.Name), cancellationToken), [], null);
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
