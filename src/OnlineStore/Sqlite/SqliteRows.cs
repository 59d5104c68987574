using System.Runtime.CompilerServices;
using System.Text;
using FeatureStore.Contract.Keys;

namespace FeatureStore.OnlineStore.Sqlite;

/// <summary>Collects one table's rows, feature by feature, for the keys that were asked for.</summary>
internal sealed class SqliteRows
{
    private const int ValueBytesGuess = 16;

    // Made once per table object, as plans keep theirs.
    private static readonly ConditionalWeakTable<OnlineTable, Asked> Known = [];

    private readonly OnlineTable _table;
    private readonly IReadOnlyList<byte[]> _keys;
    private readonly byte[][] _names;

    // A feature may be asked for twice.
    private readonly bool _hasTwice;
    private readonly StoredSlice[] _slices;
    private readonly long?[] _times;
    private Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>>? _byKey;
    private byte[] _bytes;
    private int _used;
    private int _key;
    private int _next;

    public SqliteRows(OnlineTable table, IReadOnlyList<byte[]> keys)
    {
        _table = table;
        _keys = keys;
        (_names, _hasTwice) = Known.GetValue(table, static t => new Asked([.. t.Features.Select(Encoding.UTF8.GetBytes)], t.Features.Distinct().Count() < t.Features.Count));
        _slices = new StoredSlice[keys.Count * _names.Length];
        Array.Fill(_slices, StoredSlice.Absent);
        _times = new long?[keys.Count];
        _bytes = new byte[_slices.Length * ValueBytesGuess];
    }

    /// <summary>Begins a feature's row.</summary>
    public void Begin(ReadOnlySpan<byte> key, long micros)
    {
        // Rows of one key come together.
        if (!key.SequenceEqual(_keys[_key]))
        {
            _key = ByKey()[key];
        }

        _times[_key] = Math.Max(micros, _times[_key] ?? micros);
    }

    /// <summary>Which feature has the name; negative for one that nobody asked for. The rows of a key come in one order, so the one after the last is tried first.</summary>
    public int Find(ReadOnlySpan<byte> name)
    {
        for (var tried = 0; tried < _names.Length; tried++)
        {
            var at = (_next + tried) % _names.Length;
            if (name.SequenceEqual(_names[at]))
            {
                _next = at + 1;
                return at;
            }
        }

        return -1;
    }

    public void Put(int feature, ReadOnlySpan<byte> value)
    {
        if (_bytes.Length - _used < value.Length)
        {
            Array.Resize(ref _bytes, checked(Math.Max(_bytes.Length * 2, _used + value.Length)));
        }

        value.CopyTo(_bytes.AsSpan(_used));
        var slice = new StoredSlice(_used, value.Length);
        _used += value.Length;
        _slices[(_key * _names.Length) + feature] = slice;
        for (var f = 0; _hasTwice && f < _names.Length; f++)
        {
            if (_names[f].AsSpan().SequenceEqual(_names[feature]))
            {
                _slices[(_key * _names.Length) + f] = slice;
            }
        }
    }

    /// <exception cref="OnlineStoreException">A value is none.</exception>
    public OnlineRead[] ToReads()
    {
        var reads = new OnlineRead[_keys.Count];
        for (var key = 0; key < reads.Length; key++)
        {
            // A key that is listed twice has its row at the first place.
            var first = _times[key] is null && _keys.Count > 1 ? ByKey()[_keys[key]] : key;
            var values = new StoredValues(_bytes, _slices, first * _names.Length, _names.Length);
            StoredBytes.CheckValues(_table, values);
            reads[key] = new OnlineRead(_times[first], values);
        }

        return reads;
    }

    private Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> ByKey()
    {
        if (_byKey is null)
        {
            var keys = new Dictionary<byte[], int>(_keys.Count, EntityKeyComparer.Instance);
            for (var i = 0; i < _keys.Count; i++)
            {
                keys.TryAdd(_keys[i], i);
            }

            _byKey = keys.GetAlternateLookup<ReadOnlySpan<byte>>();
        }

        return _byKey.Value;
    }

    private sealed record Asked(byte[][] Names, bool HasTwice);
}
