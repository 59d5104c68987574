using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FeatureStore.DuckDb;

/// <summary>Values of one type and width with their nulls, in memory of their own; freed when the database drops the function that reads them.</summary>
internal sealed unsafe class HeldColumn : IDisposable
{
    private readonly int _width;
    private readonly byte[] _isValue;
    private byte* _values;
    private int _missing;

    /// <param name="rows">Every one is null until it is copied.</param>
    public HeldColumn(DuckDbType type, int rows)
    {
        Type = type;
        Rows = _missing = rows;
        _width = Width(type);
        _isValue = new byte[rows];
        _values = (byte*)NativeMemory.AllocZeroed((nuint)Math.Max(1, rows), (nuint)_width);
    }

    public DuckDbType Type { get; }

    public int Rows { get; }

    public bool HasNulls => _missing > 0;

    public ReadOnlySpan<T> Values<T>()
        where T : unmanaged => new(_values, Rows);

    /// <summary>Bytes of a value; 0 of a type whose values have no fixed width.</summary>
    public static int Width(DuckDbType type) => type switch
    {
        DuckDbType.Boolean or DuckDbType.TinyInt => 1,
        DuckDbType.SmallInt => 2,
        DuckDbType.Integer or DuckDbType.Float or DuckDbType.Date => 4,
        DuckDbType.BigInt or DuckDbType.UBigInt or DuckDbType.Double or DuckDbType.Timestamp or DuckDbType.TimestampTz => 8,
        DuckDbType.HugeInt => 16,
        _ => 0,
    };

    /// <summary>Takes rows of a vector, each to its position.</summary>
    /// <param name="validity">The vector's bits of values that are not null; null if there are no nulls.</param>
    public void Copy(ReadOnlySpan<int> positions, byte* data, ulong* validity)
    {
        switch (_width)
        {
            case 1: Copy(positions, data, validity, _values); break;
            case 2: Copy(positions, (short*)data, validity, (short*)_values); break;
            case 4: Copy(positions, (int*)data, validity, (int*)_values); break;
            case 8: Copy(positions, (long*)data, validity, (long*)_values); break;
            default: Copy(positions, (NativeHugeInt*)data, validity, (NativeHugeInt*)_values); break;
        }
    }

    /// <summary>Writes the values at positions into a vector: null at a null position, outside of the column, and where the column is null.</summary>
    public void Pick(int count, long* positions, ulong* validity, nint vector)
    {
        var output = (byte*)NativeDuckDb.VectorData(vector);
        switch (_width)
        {
            case 1: Pick(count, positions, validity, vector, output); break;
            case 2: Pick(count, positions, validity, vector, (short*)output); break;
            case 4: Pick(count, positions, validity, vector, (int*)output); break;
            case 8: Pick(count, positions, validity, vector, (long*)output); break;
            default: Pick(count, positions, validity, vector, (NativeHugeInt*)output); break;
        }
    }

    public void Dispose()
    {
        NativeMemory.Free(_values);
        _values = null;
    }

    // These loops run over millions of values within the first second of a process, so they are not left to be compiled well later.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Copy<T>(ReadOnlySpan<int> positions, T* data, ulong* validity, T* values)
        where T : unmanaged
    {
        for (var row = 0; row < positions.Length; row++)
        {
            if (NullBits.IsValue(validity, row))
            {
                var position = positions[row];
                _missing -= 1 - _isValue[position];
                _isValue[position] = 1;
                values[position] = data[row];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pick<T>(int count, long* positions, ulong* validity, nint vector, T* output)
        where T : unmanaged
    {
        var values = (T*)_values;
        var nulls = new NullBits(vector);
        var (rows, isValue) = ((ulong)Rows, _missing == 0 ? null : _isValue);
        for (var i = 0; i < count; i++)
        {
            var position = positions[i];
            if ((ulong)position < rows && (isValue is null || isValue[position] != 0) && NullBits.IsValue(validity, i))
            {
                output[i] = values[position];
            }
            else
            {
                nulls.Set(i);
            }
        }
    }
}
