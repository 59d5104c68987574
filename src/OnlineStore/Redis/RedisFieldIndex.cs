using RESPite.Messages;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>
/// Finds which field of a plan a name of a whole hash is. Hashes that were written alike list their fields in one order, so
/// the place that a name had last time is tried first; a name elsewhere, or unknown, is looked up. Safe for concurrent use.
/// </summary>
internal sealed class RedisFieldIndex
{
    private const int Unknown = -1;

    private const int NameOnStackMax = 256;

    // Hashes of several shapes would learn without end.
    private const int LessonsMax = 1_024;

    private readonly byte[][] _names;
    private readonly int _longest;
    private readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _byName;

    // The field at each place of a hash. Written by whoever learns, read by all: a wrong entry costs a look-up, no more.
    private readonly int[] _order;
    private int _lessons;

    /// <param name="fields">Names, each with its number, counted from 0 without a gap.</param>
    public RedisFieldIndex(Dictionary<byte[], int> fields)
    {
        _names = [.. fields.OrderBy(f => f.Value).Select(f => f.Key)];
        _byName = fields.GetAlternateLookup<ReadOnlySpan<byte>>();
        _order = new int[_names.Length * 2];
        _longest = _names.Max(n => n.Length);
    }

    /// <summary>The field's number, or a negative one for a field that the plan does not ask for.</summary>
    /// <param name="name">Stands at the name.</param>
    /// <param name="place">Which pair of the hash it belongs to.</param>
    public int Find(ref RespReader name, int place)
    {
        // Read once: another reply may be teaching the place something else.
        var likely = place < _order.Length ? Volatile.Read(ref _order[place]) : 0;
        if (name.Is(_names[likely]))
        {
            return likely;
        }

        var length = name.ScalarLength();
        if (length > _longest)
        {
            return Unknown;
        }

        var bytes = length <= NameOnStackMax ? stackalloc byte[length] : new byte[length];
        name.CopyTo(bytes);
        if (!_byName.TryGetValue(bytes, out var field))
        {
            return Unknown;
        }

        if (place < _order.Length && _lessons < LessonsMax)
        {
            _lessons++;
            _order[place] = field;
        }

        return field;
    }
}
