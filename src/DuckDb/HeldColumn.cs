using System.Runtime.CompilerServices;

namespace FeatureStore.DuckDb;

/// <summary>A column of <see cref="HeldRows"/>, of one type and width.</summary>
/// <param name="offset">Bytes from a row's begin to its value.</param>
/// <param name="number">Of the column in the row.</param>
internal sealed unsafe class HeldColumn(HeldRows rows, DuckDbType type, int offset, int number) : IDisposable
{
    private readonly int _width = Width(type);
    private int _missing;
    private bool _isDisposed;

    public DuckDbType Type => type;

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

    /// <summary>Told when every value became null.</summary>
    public void Forget() => _missing = rows.Count;

    /// <summary>Takes rows of a vector, each to its position; others may take other rows meanwhile.</summary>
    /// <param name="validity">The vector's bits of values that are not null; null if there are no nulls.</param>
    public void Copy(ReadOnlySpan<int> positions, byte* data, ulong* validity)
    {
        switch (_width)
        {
            case 1: Copy<byte>(positions, data, validity); break;
            case 2: Copy(positions, (short*)data, validity); break;
            case 4: Copy(positions, (int*)data, validity); break;
            case 8: Copy(positions, (long*)data, validity); break;
            default: Copy(positions, (NativeHugeInt*)data, validity); break;
        }
    }

    /// <summary>Writes the values at positions into a vector: null at a null position, outside of the column, and where the column is null.</summary>
    public void Pick(int count, long* positions, ulong* validity, nint vector)
    {
        var output = (byte*)NativeDuckDb.VectorData(vector);
        switch (_width)
        {
            case 1: Pick<byte>(count, positions, validity, vector, output); break;
            case 2: Pick(count, positions, validity, vector, (short*)output); break;
            case 4: Pick(count, positions, validity, vector, (int*)output); break;
            case 8: Pick(count, positions, validity, vector, (long*)output); break;
            default: Pick(count, positions, validity, vector, (NativeHugeInt*)output); break;
        }
    }

    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            rows.Release();
        }
    }

    // These loops run over millions of values within the first second of a process, so they are not left to be compiled well later.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Copy<T>(ReadOnlySpan<int> positions, T* data, ulong* validity)
        where T : unmanaged
    {
        var (start, stride, isValue) = ((nint)rows.Start, rows.Stride, rows.NullsAt + number);
        var filled = 0;
        for (var row = 0; row < positions.Length; row++)
        {
            if (NullBits.IsValue(validity, row))
            {
                var held = (byte*)start + (positions[row] * stride);
                filled += 1 - held[isValue];
                held[isValue] = 1;
                *(T*)(held + offset) = data[row];
            }
        }

        Interlocked.Add(ref _missing, -filled);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pick<T>(int count, long* positions, ulong* validity, nint vector, T* output)
        where T : unmanaged
    {
        var nulls = new NullBits(vector);
        var (start, stride, last, isValue) = ((nint)rows.Start, rows.Stride, (ulong)rows.Count, _missing == 0 ? -1 : rows.NullsAt + number);
        for (var i = 0; i < count; i++)
        {
            var position = positions[i];
            var held = (byte*)start + (position * stride);
            if ((ulong)position < last && (isValue < 0 || held[isValue] != 0) && NullBits.IsValue(validity, i))
            {
                output[i] = *(T*)(held + offset);
            }
            else
            {
                nulls.Set(i);
            }
        }
    }
}
