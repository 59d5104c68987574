using System.Runtime.CompilerServices;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>When a row happened and was known, in microseconds, and its position; rows are compared by these, in this order.</summary>
internal readonly record struct EntityRow(long Event, long Known, long Sid) : IComparable<EntityRow>
{
    public int CompareTo(EntityRow other) => IsBefore(other) ? -1 : other.IsBefore(this) ? 1 : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsBefore(EntityRow other) =>
        Event != other.Event ? Event < other.Event
        : Known != other.Known ? Known < other.Known
        : Sid < other.Sid;
}

/// <summary>
/// Rows of a view by entity, and those of an entity in their order. They come nearly in the order of time, as they were written, so that to count them
/// into their places leaves little to sort.
/// </summary>
/// <remarks>Millions of rows pass here in the first second of a process: the loops are compiled well at once, and call nothing that is not.</remarks>
/// <param name="capacity">Rows that are awaited; there may be more.</param>
internal sealed class EntityRows(int capacity)
{
    private const int InsertedMost = 64;
    private int[] _codes = new int[Math.Max(1, capacity)];
    private EntityRow[] _rows = new EntityRow[Math.Max(1, capacity)];
    private int _count;

    /// <summary>Takes rows in any order.</summary>
    /// <param name="codes">The number of each row's entity, none negative; memory grows with the greatest.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(ReadOnlySpan<int> codes, ReadOnlySpan<long> events, ReadOnlySpan<long> knowns, ReadOnlySpan<long> sids)
    {
        while (_count + codes.Length > _codes.Length)
        {
            Array.Resize(ref _codes, 2 * _codes.Length);
            Array.Resize(ref _rows, _codes.Length);
        }

        codes.CopyTo(_codes.AsSpan(_count));
        for (var i = 0; i < codes.Length; i++)
        {
            _rows[_count + i] = new EntityRow(events[i], knowns[i], sids[i]);
        }

        _count += codes.Length;
    }

    /// <summary>Brings the rows into their order.</summary>
    /// <returns>The rows, and for each entity where its own begin: those of <c>code</c> are <c>Rows[Starts[code]..Starts[code + 1]]</c>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public (EntityRow[] Rows, int[] Starts) InOrder()
    {
        var greatest = -1;
        for (var i = 0; i < _count; i++)
        {
            greatest = Math.Max(greatest, _codes[i]);
        }

        var starts = new int[greatest + 2];
        for (var i = 0; i < _count; i++)
        {
            starts[_codes[i] + 1]++;
        }

        for (var code = 1; code < starts.Length; code++)
        {
            starts[code] += starts[code - 1];
        }

        var next = (int[])starts.Clone();
        var ordered = new EntityRow[_count];
        for (var i = 0; i < _count; i++)
        {
            ordered[next[_codes[i]]++] = _rows[i];
        }

        for (var code = 0; code <= greatest; code++)
        {
            Sort(ordered, starts[code], starts[code + 1]);
        }

        return (ordered, starts);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sort(EntityRow[] rows, int from, int to)
    {
        for (var i = from + 1; i < to; i++)
        {
            var row = rows[i];
            if (!row.IsBefore(rows[i - 1]))
            {
                continue;
            }

            if (to - from > InsertedMost)
            {
                Array.Sort(rows, from, to - from);
                return;
            }

            var place = i;
            for (; place > from && row.IsBefore(rows[place - 1]); place--)
            {
                rows[place] = rows[place - 1];
            }

            rows[place] = row;
        }
    }
}
