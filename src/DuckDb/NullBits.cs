namespace FeatureStore.DuckDb;

/// <summary>The nulls of a vector that is written; DuckDB makes room for them when there is a first.</summary>
internal unsafe ref struct NullBits(nint vector)
{
    private ulong* _bits;

    public static bool IsValue(ulong* validity, int row) => validity == null || (validity[row >> 6] & (1UL << (row & 63))) != 0;

    public void Set(int row)
    {
        if (_bits == null)
        {
            NativeDuckDb.EnsureValidity(vector);
            _bits = (ulong*)NativeDuckDb.VectorValidity(vector);
        }

        _bits[row >> 6] &= ~(1UL << (row & 63));
    }
}
