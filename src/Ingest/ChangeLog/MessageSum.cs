using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace FeatureStore.Ingest.ChangeLog;

/// <summary>A sum (CRC-32C) over what a message says, stored beside it.</summary>
internal static class MessageSum
{
    private const int WordBytes = sizeof(ulong);

    public static long Of(byte[]? key, byte[]? value, string? headers, bool isCreateHalf) =>
        Add(Add(Add(isCreateHalf ? 1u : 0u, key), value), headers is null ? null : Encoding.UTF8.GetBytes(headers));

    private static uint Add(uint sum, byte[]? bytes)
    {
        // The length tells nothing from an empty text, and key from value.
        sum = BitOperations.Crc32C(sum, (uint)(bytes?.Length ?? -1));
        ReadOnlySpan<byte> rest = bytes;
        for (; rest.Length >= WordBytes; rest = rest[WordBytes..])
        {
            sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(rest));
        }

        foreach (var one in rest)
        {
            sum = BitOperations.Crc32C(sum, one);
        }

        return sum;
    }
}
