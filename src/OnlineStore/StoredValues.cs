using System.Collections;
using System.Runtime.CompilerServices;

namespace FeatureStore.OnlineStore;

/// <summary>
/// The values of one row: places in an array of bytes that many rows share, so that a read of thousands of values makes a
/// handful of objects. Nobody else writes to the array; <see cref="Clear"/> is for the one request that the read was made for.
/// </summary>
[CollectionBuilder(typeof(StoredValues), nameof(Of))]
public readonly struct StoredValues : IReadOnlyList<byte[]?>
{
    private readonly byte[]? _bytes;
    private readonly StoredSlice[]? _slices;
    private readonly int _first;

    internal StoredValues(byte[] bytes, StoredSlice[] slices, int first, int count)
    {
        _bytes = bytes;
        _slices = slices;
        _first = first;
        Count = count;
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <summary>A copy of a value: null for an absent field, an empty array for Feast's stored null.</summary>
    public byte[]? this[int index] => IsAbsent(index) ? null : Bytes(index).ToArray();

    public static implicit operator StoredValues(byte[]?[] values) => Of(values);

    /// <summary>Packs values that lie apart.</summary>
    public static StoredValues Of(ReadOnlySpan<byte[]?> values)
    {
        var size = 0;
        foreach (var value in values)
        {
            size += value?.Length ?? 0;
        }

        var (bytes, slices, at) = (new byte[size], new StoredSlice[values.Length], 0);
        for (var i = 0; i < values.Length; i++)
        {
            slices[i] = values[i] is { } value ? new StoredSlice(at, value.Length) : StoredSlice.Absent;
            values[i]?.CopyTo(bytes, at);
            at += values[i]?.Length ?? 0;
        }

        return new StoredValues(bytes, slices, 0, values.Length);
    }

    /// <summary>Whether there is no such field.</summary>
    public bool IsAbsent(int index) => Slice(index).Length < 0;

    /// <summary>A value where it lies; none for an absent field and for a stored null.</summary>
    public ReadOnlySpan<byte> Bytes(int index)
    {
        var slice = Slice(index);
        return slice.Length <= 0 ? [] : _bytes.AsSpan(slice.Offset, slice.Length);
    }

    /// <summary>Makes a value Feast's stored null, for all who see this read.</summary>
    public void Clear(int index) => Slice(index) = default;

    public IEnumerator<byte[]?> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private ref StoredSlice Slice(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return ref _slices![_first + index];
    }
}

/// <summary>Where a value lies among shared bytes; a negative length is an absent field.</summary>
internal readonly record struct StoredSlice(int Offset, int Length)
{
    public static StoredSlice Absent { get; } = new(0, -1);
}
