using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OfflineStore.Lake.Tables;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.OfflineStore.Features;

/// <summary>Which rows of a view are wanted.</summary>
/// <param name="User">Value of the first join key, as text; null for all.</param>
/// <param name="ChangedSince">Beside the rows from the start on, those of entities with a row added after this version of the table; null for none.</param>
/// <param name="KnownAtMicros">Only what was known at or before it.</param>
/// <param name="IsHistory">Every version of the newest row, not only the last.</param>
/// <param name="IsOrdered">By key, then created time. Without an order the memory does not grow with the table.</param>
internal sealed record LatestAsked(
    long StartMicros, long EndMicros, string? User, long? ChangedSince, long KnownAtMicros, bool IsHistory, bool IsOrdered)
{
    /// <summary>Bytes of rows, by a guess, that are asked for at once where no order is wanted.</summary>
    public long PartBytes { get; init; } = PartBytesDefault;

    public const long PartBytesDefault = 160L << 20;
}

/// <summary>The newest row of each entity of a view's table as one open query: join keys, features, event and created microseconds.</summary>
internal sealed class LatestQuery : IDisposable
{
    // Without an order DuckDB needs in memory just the rows of one of the parts into which it has split the keys, and it splits the finer the less it has.
    // This much does for numbers and short texts; pages of long texts need more. Yet each part that it makes needs blocks of its own, so what is more than
    // a few times as large is asked for by parts of the keys.
    private const int UnorderedMiBPerThread = 32;
    private const int LongBytes = 64; // Of a text or a list, as a guess.
    private const int ShortBytes = 8;
    private const int RowBytes = 40;
    private readonly LakePlace _root;
    private readonly LakeOptions _options;
    private readonly FeatureViewModel _view;
    private readonly LatestAsked _asked;
    private readonly CancellationToken _cancellationToken;
    private readonly DuckDbDatabase _database;
    private readonly DuckDbConnection _connection;
    private IReadOnlyList<string> _statements = []; // One for each part of the keys.
    private int _part;
    private DuckDbReader? _reader;
    private DeltaSnapshot? _snapshot;
    private int _memoryMiB; // 0 while the options' own bound holds.
    private bool _hasBegun;

    /// <param name="root">Where the view's table lies.</param>
    public LatestQuery(LakePlace root, LakeOptions? options, FeatureViewModel view, LatestAsked asked, CancellationToken cancellationToken)
    {
        (_root, _options, _view, _asked, _cancellationToken) = (root, options ?? LakeOptions.Default, view, asked, cancellationToken);
        _database = LakeDatabase.Open(_options);
        _connection = LakeDatabase.Connect(_database, cancellationToken);
    }

    /// <summary>The reader on its next chunk; null after the last.</summary>
    /// <exception cref="DeltaException">The table is missing or damaged, or a file of it is gone.</exception>
    public DuckDbReader? NextChunk()
    {
        try
        {
            while (true)
            {
                _reader ??= Begin();
                var isThere = _reader.NextChunk();
                _hasBegun = true;
                if (isThere || _part + 1 >= _statements.Count)
                {
                    return isThere ? _reader : null;
                }

                _reader.Dispose();
                (_reader, _hasBegun) = (null, false);
                _part++;
            }
        }
        catch (DuckDbException e) when (e.IsOutOfMemory && !_hasBegun && _memoryMiB > 0 && _memoryMiB < _options.MemoryLimitMiB)
        {
            _reader?.Dispose();
            _reader = null;
            Bound(Math.Min(_options.MemoryLimitMiB, 2 * _memoryMiB));
            return NextChunk();
        }
        catch (DuckDbException e) when (_snapshot?.Vanished(_root, e) is { } gone)
        {
            throw gone;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader?.Dispose();
        _connection.Dispose();
        _database.Dispose();
    }

    private DuckDbReader Begin()
    {
        if (_statements.Count == 0)
        {
            _statements = Statements(out var isSplit);
            if (isSplit)
            {
                // What is free goes back to the system soon, not only from 128 MiB on.
                _connection.Execute("SET allocator_flush_threshold = '16MiB'; SET allocator_bulk_deallocation_flush_threshold = '16MiB'; SET allocator_background_threads = true", _cancellationToken);
                Bound(Math.Min(_options.MemoryLimitMiB, Math.Max(2, _options.Threads) * UnorderedMiBPerThread));
            }
        }

        return _connection.Query(_statements[_part], _cancellationToken);
    }

    private void Bound(int memoryMiB)
    {
        LakeDatabase.Bound(_connection, memoryMiB, _cancellationToken);
        _memoryMiB = memoryMiB;
    }

    /// <param name="isSplit">True if the query's memory is that of its largest part.</param>
    private IReadOnlyList<string> Statements(out bool isSplit)
    {
        var (from, columns, added) = From();
        var types = _connection.Describe($"SELECT * FROM {from}", _cancellationToken).ToDictionary(c => c.Name, c => c.Type);
        string Column(FieldModel field)
        {
            var source = ViewColumns.SourceColumn(_view, field.Name);
            return types.TryGetValue(source, out var type)
                ? FeatureCells.Sql(source, type, field.Type)
                : throw new DeltaException($"{_view.Source.Path} has no column {source}, which view {_view.Name} needs; correct the view or its source.");
        }

        var keys = _view.JoinKeys.Select(Column).ToList();
        var whose = _asked.User is null ? "" : $" AND CAST({keys[0]} AS VARCHAR) = {LakeSql.Text(_asked.User)}";
        if (ChangeColumns.IsChangeTable(columns))
        {
            isSplit = false;
            return _asked.IsHistory
                ? throw new DeltaException($"View {_view.Name} reads the change table {_view.Source.Path}, whose rows are the history themselves; ask for its rows as known at a time.")
                : [VersionRows.Latest(_view, columns, from, Column, whose, _asked.StartMicros, _asked.EndMicros, added, ChangeTraits.Of(_connection, [from], _cancellationToken), _asked.KnownAtMicros) + Order(_view.JoinKeys.Count)];
        }

        var time = $"epoch_us({LakeSql.Name(_view.Source.TimestampField)})";
        var created = _view.Source.CreatedTimestampColumn is { } c ? $"epoch_us({LakeSql.Name(c)})" : "CAST(NULL AS BIGINT)";
        var newest = string.Join(", ", keys);
        var known = _asked.KnownAtMicros == SourceRows.Now ? string.Empty
            : _view.Source.CreatedTimestampColumn is not null ? $" AND {created} <= {LakeSql.Number(_asked.KnownAtMicros)}"
            : throw new DeltaException($"The source of view {_view.Name} has no created_timestamp_column, so it does not say when its rows were known; name one.");

        // An entity with a row in the range has its newest one there, whatever was added before the start.
        var start = LakeSql.Number(_asked.StartMicros);
        var taken = added is null
            ? $"{time} >= {start}"
            : $"({time} >= {start} OR struct_pack({Packed(keys)}) IN (SELECT struct_pack({Packed(keys)}) FROM {added}))";
        var columnsOut = string.Join(", ", keys.Concat(_view.Features.Select(Column)));
        isSplit = !_asked.IsOrdered;
        var parts = isSplit ? Parts(from, types) : 1;
        return [.. Enumerable.Range(0, parts).Select(part => $"""
            SELECT {columnsOut}, {time}, {created}
            FROM {from}
            WHERE {taken} AND {time} <= {LakeSql.Number(_asked.EndMicros)}{whose}{known}
                AND {string.Join(" AND ", keys.Select(k => k + " IS NOT NULL"))} AND {KeyParts.Where(newest, part, parts)}
            QUALIFY {(_asked.IsHistory ? $"rank() OVER (PARTITION BY {newest} ORDER BY {time} DESC)" : $"row_number() OVER (PARTITION BY {newest} ORDER BY {time} DESC, {created} DESC NULLS LAST, {LakeSql.LastFirst})")} = 1 {Order(keys.Count)}
            """)];
    }

    /// <summary>Parts that are small enough each; files tell their rows in their footers.</summary>
    private int Parts(string from, IReadOnlyDictionary<string, string> types)
    {
        var row = _view.JoinKeys.Concat(_view.Features).Select(f => types[ViewColumns.SourceColumn(_view, f.Name)])
            .Sum(t => t is "VARCHAR" or "BLOB" || t.EndsWith(']') ? LongBytes : ShortBytes) + RowBytes;
        using var reader = _connection.Query($"SELECT count(*) FROM {from}", _cancellationToken);
        return reader.NextChunk() ? (int)(reader.Int64(0, 0) * row / _asked.PartBytes) + 1 : 1;
    }

    private string Order(int keys) => !_asked.IsOrdered ? string.Empty
        : $"\nORDER BY {string.Join(", ", Enumerable.Range(1, keys).Append(_asked.IsHistory ? keys + _view.Features.Count + 2 : 1))}";

    private static string Packed(IEnumerable<string> keys) => string.Join(", ", keys.Select((k, i) => $"k{i} := {k}"));

    /// <summary>A FROM term, the columns that a Delta table says it has (none for plain Parquet), and a FROM term of the files added after the version.</summary>
    private (string Sql, IReadOnlyList<LakeColumn> Columns, string? Added) From()
    {
        var log = new DeltaLog(_root);
        _snapshot = log.Read(_cancellationToken);
        if (_snapshot is null)
        {
            return (PlainParquet.From(_connection, PlainParquet.Files(_root, _view.Name), _cancellationToken), [], null);
        }

        var columns = ChangeColumns.Read(_snapshot, _root.Address);
        string? added = null;
        if (_asked.ChangedSince is { } version)
        {
            var known = log.Read(version, _cancellationToken)?.Files;
            added = LakeSql.Files(_root, _snapshot.Files.Values.Where(f => known?.ContainsKey(f.Path) != true), columns);
        }

        return (LakeSql.Files(_root, _snapshot.Files.Values, columns, withPosition: true), columns, added);
    }
}
