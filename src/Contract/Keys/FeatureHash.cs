using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace FeatureStore.Contract.Keys;

/// <summary>Names of the fields in an entity's Redis hash, as Feast's <c>redis.py</c> makes them.</summary>
public static class FeatureHash
{
    private const uint C1 = 0xcc9e2d51;
    private const uint C2 = 0x1b873593;

    /// <summary>The 4 bytes of a feature's field: MurmurHash3 x86_32, seed 0, of <c>view:feature</c>, little-endian.</summary>
    public static byte[] Field(string view, string feature)
    {
        var field = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(field, Murmur3(Encoding.UTF8.GetBytes($"{view}:{feature}")));
        return field;
    }

    /// <summary>The field that holds a view's event time.</summary>
    public static byte[] TimestampField(string view) => Encoding.UTF8.GetBytes($"_ts:{view}");

    /// <summary>MurmurHash3 x86 32-bit with seed 0 (Appleby, public domain algorithm).</summary>
    public static uint Murmur3(ReadOnlySpan<byte> data)
    {
        uint hash = 0;
        var rest = data;
        for (; rest.Length >= sizeof(uint); rest = rest[sizeof(uint)..])
        {
            hash = BitOperations.RotateLeft(hash ^ Mix(BinaryPrimitives.ReadUInt32LittleEndian(rest)), 13);
            hash = (hash * 5) + 0xe6546b64;
        }

        if (rest.Length > 0)
        {
            Span<byte> tail = stackalloc byte[sizeof(uint)];
            tail.Clear();
            rest.CopyTo(tail);
            hash ^= Mix(BinaryPrimitives.ReadUInt32LittleEndian(tail));
        }

        hash ^= (uint)data.Length;
        hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
        hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
        return hash ^ (hash >> 16);
    }

    private static uint Mix(uint block) => BitOperations.RotateLeft(block * C1, 15) * C2;
}
