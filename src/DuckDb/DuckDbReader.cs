using System.Runtime.InteropServices;
using System.Text;

namespace FeatureStore.DuckDb;

/// <summary>
/// Rows of a query, a chunk at a time, typed and without boxing. Spans are valid until the next <see cref="NextChunk"/>.
/// </summary>
public sealed unsafe class DuckDbReader : IDisposable
{
    private const int StringInlineMax = 12;
    private const int StringSize = 16;
    private static readonly DateOnly Epoch = new(1970, 1, 1);

    private readonly DuckDbConnection _connection;
    private readonly DuckDbStatement? _owned;
    private readonly string _sql;
    private readonly CancellationToken _cancellationToken;
    private readonly DuckDbType[] _types;
    private readonly string[] _names;
    private readonly nint[] _data;
    private readonly nint[] _validity;
    private readonly DecimalColumn?[] _decimals;
    private NativeResult _result;
    private nint _chunk;
    private bool _disposed;

    internal DuckDbReader(
        DuckDbConnection connection, NativeResult result, string sql, DuckDbStatement? owned, CancellationToken cancellationToken)
    {
        _connection = connection;
        _result = result;
        _sql = sql;
        _owned = owned;
        _cancellationToken = cancellationToken;
        var columns = (int)NativeDuckDb.ColumnCount(ref _result);
        _types = new DuckDbType[columns];
        _names = new string[columns];
        _data = new nint[columns];
        _validity = new nint[columns];
        _decimals = new DecimalColumn?[columns];
        for (var i = 0; i < columns; i++)
        {
            _types[i] = (DuckDbType)NativeDuckDb.ColumnType(ref _result, (ulong)i);
            _names[i] = Marshal.PtrToStringUTF8(NativeDuckDb.ColumnName(ref _result, (ulong)i)) ?? string.Empty;
            _decimals[i] = _types[i] == DuckDbType.Decimal ? DecimalColumn.Of(ref _result, i) : null;
        }
    }

    /// <summary>Columns of every chunk.</summary>
    public int ColumnCount => _types.Length;

    /// <summary>Rows of the present chunk; 0 before the first and after the last.</summary>
    public int RowCount { get; private set; }

    public string ColumnName(int column) => _names[column];

    internal DuckDbType Type(int column) => _types[column];

    /// <summary>Where a column of the present chunk lies: its values, and its bits of values that are not null, or 0.</summary>
    internal (nint Data, nint Validity) Vector(int column) => (_data[column], _validity[column]);

    /// <summary>Moves to the next chunk that has rows; false when there is none.</summary>
    public bool NextChunk()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        do
        {
            ReleaseChunk();
            _cancellationToken.ThrowIfCancellationRequested();
            using (_connection.InterruptOn(_cancellationToken))
            {
                _chunk = NativeDuckDb.FetchChunk(_result);
            }

            if (_chunk == 0)
            {
                ThrowIfStreamFailed();
                return false;
            }

            RowCount = (int)NativeDuckDb.ChunkSize(_chunk);
        }
        while (RowCount == 0);

        for (var i = 0; i < _data.Length; i++)
        {
            var vector = NativeDuckDb.ChunkVector(_chunk, (ulong)i);
            _data[i] = NativeDuckDb.VectorData(vector);
            _validity[i] = NativeDuckDb.VectorValidity(vector);
        }

        return true;
    }

    public bool IsNull(int column, int row)
    {
        CheckRow(row);
        var mask = (ulong*)_validity[column];
        return mask != null && (mask[row >> 6] & (1UL << (row & 63))) == 0;
    }

    public long Int64(int column, int row) => Cell<long>(column, row, DuckDbType.BigInt);

    /// <summary>A BIGINT column of the present chunk, for loops over many rows; valid until the next chunk.</summary>
    /// <exception cref="DuckDbException">The column is of another type, or a row of it is null.</exception>
    public ReadOnlySpan<long> Int64s(int column) => Cells<long>(column, DuckDbType.BigInt);

    /// <summary>An INTEGER column of the present chunk, as <see cref="Int64s"/>.</summary>
    public ReadOnlySpan<int> Int32s(int column) => Cells<int>(column, DuckDbType.Integer);

    /// <summary>A UBIGINT, as DuckDB counts files' rows and bytes.</summary>
    public ulong UInt64(int column, int row) => Cell<ulong>(column, row, DuckDbType.UBigInt);

    public int Int32(int column, int row) => Cell<int>(column, row, DuckDbType.Integer);

    /// <summary>A HUGEINT, as <c>sum</c> over integers gives it.</summary>
    public Int128 HugeInt(int column, int row)
    {
        var cell = Cell<NativeHugeInt>(column, row, DuckDbType.HugeInt);
        return new Int128((ulong)cell.Upper, cell.Lower);
    }

    public float Float(int column, int row) => Cell<float>(column, row, DuckDbType.Float);

    /// <summary>A DECIMAL of any width, scale kept.</summary>
    /// <exception cref="OverflowException">The value has more digits than <see cref="decimal"/> holds.</exception>
    public decimal Decimal(int column, int row)
    {
        CheckType(column, DuckDbType.Decimal);
        CheckNotNull(column, row);
        return _decimals[column]!.Value.Read(_data[column], row);
    }

    public double Double(int column, int row) => Cell<double>(column, row, DuckDbType.Double);

    public bool Boolean(int column, int row) => Cell<byte>(column, row, DuckDbType.Boolean) != 0;

    public DateOnly Date(int column, int row) => Epoch.AddDays(Cell<int>(column, row, DuckDbType.Date));

    /// <summary>A TIMESTAMP or TIMESTAMPTZ, in microseconds since the epoch.</summary>
    public long TimestampMicros(int column, int row) =>
        _types[column] == DuckDbType.TimestampTz
            ? Cell<long>(column, row, DuckDbType.TimestampTz)
            : Cell<long>(column, row, DuckDbType.Timestamp);

    /// <summary>The UTF-8 bytes of a VARCHAR; valid until the next chunk.</summary>
    public ReadOnlySpan<byte> Utf8(int column, int row) => Bytes(column, row, DuckDbType.Varchar);

    /// <summary>The bytes of a BLOB; valid until the next chunk.</summary>
    public ReadOnlySpan<byte> Blob(int column, int row) => Bytes(column, row, DuckDbType.Blob);

    public string Text(int column, int row) => Encoding.UTF8.GetString(Utf8(column, row));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        ReleaseChunk();
        NativeDuckDb.DestroyResult(ref _result);
        _owned?.Dispose();
    }

    private ReadOnlySpan<byte> Bytes(int column, int row, DuckDbType type)
    {
        CheckType(column, type);
        CheckNotNull(column, row);
        var text = (byte*)_data[column] + ((long)row * StringSize);
        var length = *(int*)text;
        var start = length <= StringInlineMax ? text + 4 : *(byte**)(text + 8);
        return new ReadOnlySpan<byte>(start, length);
    }

    private T Cell<T>(int column, int row, DuckDbType type)
        where T : unmanaged
    {
        CheckType(column, type);
        CheckNotNull(column, row);
        return ((T*)_data[column])[row];
    }

    private ReadOnlySpan<T> Cells<T>(int column, DuckDbType type)
        where T : unmanaged
    {
        CheckType(column, type);
        for (var row = 0; _validity[column] != 0 && row < RowCount; row++)
        {
            CheckNotNull(column, row);
        }

        return new ReadOnlySpan<T>((void*)_data[column], RowCount);
    }

    private void CheckType(int column, DuckDbType type)
    {
        if (_types[column] != type)
        {
            throw new DuckDbException($"Column '{_names[column]}' is {_types[column]}, not {type}; cast it in the query.", _sql);
        }
    }

    // What lies under a null is whatever was there before, for text a stale pointer.
    private void CheckNotNull(int column, int row)
    {
        if (IsNull(column, row))
        {
            throw new DuckDbException($"Column '{_names[column]}' is null in row {row} of the chunk; ask IsNull first.", _sql);
        }
    }

    private void CheckRow(int row) => ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)RowCount, nameof(row));

    private void ReleaseChunk()
    {
        RowCount = 0;
        if (_chunk != 0)
        {
            NativeDuckDb.DestroyChunk(ref _chunk);
        }
    }

    private void ThrowIfStreamFailed()
    {
        _cancellationToken.ThrowIfCancellationRequested();
        var error = NativeDuckDb.ResultError(ref _result);
        if (error != 0 && Marshal.PtrToStringUTF8(error) is { Length: > 0 } message)
        {
            throw new DuckDbException(message, _sql);
        }
    }
}
