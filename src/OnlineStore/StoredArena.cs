namespace FeatureStore.OnlineStore;

/// <summary>
/// Room for the values of one read, in few arrays: a row's bytes lie in one of them, and so do its places. Rows are
/// written one after the other. Not safe for concurrent use.
/// </summary>
/// <param name="rows">How many rows will be written, so that the last array is not larger than they need.</param>
/// <param name="valuesPerRow">Places of a row.</param>
internal sealed class StoredArena(int rows, int valuesPerRow)
{
    // Well below the size from which arrays are no longer collected cheaply (85,000 bytes).
    private const int BytesMax = 32 * 1024;
    private const int SlicesMax = 4 * 1024;

    private byte[] _bytes = [];
    private StoredSlice[] _slices = [];
    private int _bytesUsed;
    private int _slicesUsed;
    private int _rowsBegun;

    /// <summary>Where the present row's places begin.</summary>
    public int First { get; private set; }

    /// <summary>Begins a row, all of whose values are absent until they are put.</summary>
    /// <param name="bytesMax">At most so many bytes will be put.</param>
    public void Begin(int bytesMax)
    {
        var left = rows - _rowsBegun++;
        if (_bytes.Length - _bytesUsed < bytesMax)
        {
            _bytes = new byte[Math.Max(bytesMax, (int)Math.Min((long)bytesMax * left, BytesMax))];
            _bytesUsed = 0;
        }

        if (_slices.Length - _slicesUsed < valuesPerRow)
        {
            _slices = new StoredSlice[Math.Max(valuesPerRow, (int)Math.Min((long)valuesPerRow * left, SlicesMax))];
            _slicesUsed = 0;
        }

        First = _slicesUsed;
        _slicesUsed += valuesPerRow;
        _slices.AsSpan(First, valuesPerRow).Fill(StoredSlice.Absent);
    }

    /// <summary>Room for a value of the present row.</summary>
    public Span<byte> Put(int index, int size)
    {
        _slices[First + index] = new StoredSlice(_bytesUsed, size);
        var room = _bytes.AsSpan(_bytesUsed, size);
        _bytesUsed += size;
        return room;
    }

    /// <summary>Gives one place of the present row what another has.</summary>
    public void Copy(int from, int to) => _slices[First + to] = _slices[First + from];

    /// <summary>Some values of the present row.</summary>
    public StoredValues Values(int from, int count) => new(_bytes, _slices, First + from, count);
}
