using System.Runtime.InteropServices;

namespace FeatureStore.DuckDb;

/// <summary>Type numbers of <c>duckdb.h</c>.</summary>
internal enum DuckDbType
{
    Invalid = 0,
    Boolean = 1,
    TinyInt = 2,
    SmallInt = 3,
    Integer = 4,
    BigInt = 5,
    UBigInt = 9,
    Float = 10,
    Double = 11,
    Timestamp = 12,
    Date = 13,
    HugeInt = 16,
    Varchar = 17,
    Blob = 18,
    Decimal = 19,
    TimestampTz = 31,
}

/// <summary>A HUGEINT as a vector holds it. Layout from <c>duckdb.h</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct NativeHugeInt
{
    public readonly ulong Lower;
    public readonly long Upper;
}

/// <summary>How a DECIMAL column is stored: an integer as wide as its width needs, and the place of the point.</summary>
internal readonly record struct DecimalColumn(DuckDbType Storage, byte Scale)
{
    public static DecimalColumn Of(ref NativeResult result, int column)
    {
        var type = NativeDuckDb.ColumnLogicalType(ref result, (ulong)column);
        try
        {
            return new DecimalColumn((DuckDbType)NativeDuckDb.DecimalStorage(type), NativeDuckDb.DecimalScale(type));
        }
        finally
        {
            NativeDuckDb.DestroyLogicalType(ref type);
        }
    }

    public unsafe decimal Read(nint data, int row)
    {
        var unscaled = Storage switch
        {
            DuckDbType.SmallInt => ((short*)data)[row],
            DuckDbType.Integer => ((int*)data)[row],
            DuckDbType.BigInt => ((long*)data)[row],
            _ => new Int128((ulong)((NativeHugeInt*)data)[row].Upper, ((NativeHugeInt*)data)[row].Lower),
        };
        var digits = Int128.Abs(unscaled);
        if (digits >> 96 != 0 || Scale > 28)
        {
            throw new OverflowException($"A DECIMAL of scale {Scale} has more digits than decimal holds; cast it to DOUBLE or VARCHAR in the query.");
        }

        return new decimal((int)(uint)digits, (int)(uint)(digits >> 32), (int)(uint)(digits >> 64), Int128.IsNegative(unscaled), Scale);
    }
}
