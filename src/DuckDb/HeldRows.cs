using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FeatureStore.DuckDb;

/// <summary>
/// Rows of values with their nulls, in memory of their own. The values of a row lie side by side: who looks one up soon looks up its neighbours, and has
/// them in the cache by then.
/// </summary>
internal sealed unsafe class HeldRows
{
    private const int Alignment = sizeof(long);
    private readonly int _stride;
    private byte* _start;
    private int _owners;

    /// <param name="rows">Every value is null until it is copied.</param>
    public HeldRows(IReadOnlyList<DuckDbType> types, int rows)
    {
        var columns = new HeldColumn[types.Count];
        var offset = 0;
        for (var c = 0; c < columns.Length; c++)
        {
            var width = HeldColumn.Width(types[c]);
            offset = Aligned(offset, Math.Min(width, Alignment));
            columns[c] = new HeldColumn(this, types[c], offset, c);
            offset += width;
        }

        (NullsAt, _stride) = (offset, Aligned(offset + columns.Length, Alignment));
        (Columns, _owners) = (columns, columns.Length);
        Clear(rows);
    }

    /// <summary>Each is to be disposed of, the memory with the last.</summary>
    public IReadOnlyList<HeldColumn> Columns { get; }

    public int Count { get; private set; }

    public byte* Start => _start;

    /// <summary>Bytes from a row to the next.</summary>
    public long Stride => _stride;

    /// <summary>Where in a row a byte for each column begins that tells whether there is a value.</summary>
    public int NullsAt { get; }

    /// <summary>Makes every value null. Nothing may read the rows meanwhile.</summary>
    public void Clear(int rows)
    {
        if (_start == null || rows != Count)
        {
            _start = (byte*)NativeMemory.Realloc(_start, (nuint)Math.Max(1, rows) * (nuint)_stride);
            Count = rows;
        }

        Outside = null;
        NativeMemory.Clear(_start, (nuint)rows * (nuint)_stride);
        foreach (var column in Columns)
        {
            column.Forget();
        }
    }

    /// <summary>Takes the rows of a chunk, each to its position.</summary>
    /// <param name="from">The reader's column that is the first.</param>
    public void Copy(DuckDbReader reader, int from, ReadOnlySpan<int> positions)
    {
        for (var c = 0; c < Columns.Count; c++)
        {
            var (data, validity) = reader.Vector(from + c);
            Columns[c].Copy(positions, (byte*)data, (ulong*)validity);
        }
    }

    /// <summary>A position that was outside of the rows, since they were cleared.</summary>
    public long? Outside { get; private set; }

    /// <summary>Takes the rows of a chunk of positions and values; others may take other rows meanwhile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Put(nint chunk)
    {
        var count = (int)NativeDuckDb.ChunkSize(chunk);
        var vector = NativeDuckDb.ChunkVector(chunk, 0);
        var given = (long*)NativeDuckDb.VectorData(vector);
        var validity = (ulong*)NativeDuckDb.VectorValidity(vector);
        Span<int> positions = stackalloc int[count];
        for (var row = 0; row < count; row++)
        {
            var position = NullBits.IsValue(validity, row) ? given[row] : -1;
            if ((ulong)position >= (ulong)Count)
            {
                Outside = position;
                return;
            }

            positions[row] = (int)position;
        }

        for (var c = 0; c < Columns.Count; c++)
        {
            vector = NativeDuckDb.ChunkVector(chunk, (ulong)c + 1);
            Columns[c].Copy(positions, (byte*)NativeDuckDb.VectorData(vector), (ulong*)NativeDuckDb.VectorValidity(vector));
        }
    }

    /// <summary>Called by a column that is disposed of.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _owners) == 0)
        {
            NativeMemory.Free(_start);
            _start = null;
        }
    }

    private static int Aligned(int offset, int to) => (offset + to - 1) / to * to;
}
