using System.Buffers.Binary;
using System.Text;
using Feast.Types;

namespace FeatureStore.Contract.Keys;

/// <summary>
/// Entity key bytes as Feast's <c>key_encoding_utils.py</c> writes them; all integers little-endian.
/// <code>
/// v3 = u32 count, (u32 2, u32 length, utf8 name)*, (u32 tag, u32 length, payload)*
/// v2 = (u32 2, utf8 name)*, (u32 tag, u32 length, payload)*
/// </code>
/// Pairs are sorted by the join key's code points, which is the order of its UTF-8 bytes.
/// </summary>
public static class EntityKeyEncoder
{
    private const uint StringTag = 2;

    /// <summary>Encodes one entity.</summary>
    /// <param name="keys">Join keys with their values, in any order; names are distinct.</param>
    /// <param name="version">2 or 3.</param>
    /// <exception cref="EntityKeyException">The version or a value's type cannot be encoded.</exception>
    public static byte[] Encode(IReadOnlyList<(string JoinKey, Value Value)> keys, int version)
    {
        CheckVersion(version);
        var sorted = keys.Select(k => (Name: Encoding.UTF8.GetBytes(k.JoinKey), k.JoinKey, k.Value)).ToArray();
        Array.Sort(sorted, static (a, b) => a.Name.AsSpan().SequenceCompareTo(b.Name));
        var bytes = new MemoryStream();
        WritePrefix(bytes, [.. sorted.Select(k => k.Name)], version);
        foreach (var (_, joinKey, value) in sorted)
        {
            WriteValue(bytes, joinKey, value);
        }

        return bytes.ToArray();
    }

    /// <summary>The Redis key of an entity: its bytes followed by the project's UTF-8, with nothing between.</summary>
    public static byte[] ForRedis(ReadOnlySpan<byte> entityKey, string project)
    {
        var key = new byte[entityKey.Length + Encoding.UTF8.GetByteCount(project)];
        entityKey.CopyTo(key);
        Encoding.UTF8.GetBytes(project, key.AsSpan(entityKey.Length));
        return key;
    }

    internal static void CheckVersion(int version)
    {
        if (version is not (2 or 3))
        {
            throw new EntityKeyException(
                $"entity_key_serialization_version {version} is not supported; set it to 3 (or 2 to read old data).");
        }
    }

    internal static byte[][] Sorted(IEnumerable<string> joinKeys)
    {
        var names = joinKeys.Select(Encoding.UTF8.GetBytes).ToArray();
        Array.Sort(names, static (a, b) => a.AsSpan().SequenceCompareTo(b));
        return names;
    }

    internal static void WritePrefix(MemoryStream bytes, IReadOnlyCollection<byte[]> sortedNames, int version)
    {
        if (version == 3)
        {
            WriteUInt32(bytes, (uint)sortedNames.Count);
        }

        foreach (var name in sortedNames)
        {
            WriteUInt32(bytes, StringTag);
            if (version == 3)
            {
                WriteUInt32(bytes, (uint)name.Length);
            }

            bytes.Write(name);
        }
    }

    private static void WriteValue(MemoryStream bytes, string joinKey, Value value)
    {
        switch (value.ValCase)
        {
            case Value.ValOneofCase.BytesVal:
                WritePayload(bytes, value.ValCase, value.BytesVal.Span);
                break;
            case Value.ValOneofCase.StringVal:
                WritePayload(bytes, value.ValCase, Encoding.UTF8.GetBytes(value.StringVal));
                break;
            case Value.ValOneofCase.Int32Val:
                Span<byte> four = stackalloc byte[sizeof(int)];
                BinaryPrimitives.WriteInt32LittleEndian(four, value.Int32Val);
                WritePayload(bytes, value.ValCase, four);
                break;
            case Value.ValOneofCase.Int64Val:
                WriteInt64(bytes, value.ValCase, value.Int64Val);
                break;
            case Value.ValOneofCase.UnixTimestampVal:
                WriteInt64(bytes, value.ValCase, value.UnixTimestampVal);
                break;
            default:
                throw new EntityKeyException(
                    $"Join key '{joinKey}' has a value of kind {value.ValCase}; a key is bytes, string, int32, int64 or unix_timestamp.");
        }
    }

    private static void WriteInt64(MemoryStream bytes, Value.ValOneofCase kind, long value)
    {
        Span<byte> eight = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(eight, value);
        WritePayload(bytes, kind, eight);
    }

    // The oneof's field numbers are the type tags of the key format.
    private static void WritePayload(MemoryStream bytes, Value.ValOneofCase kind, ReadOnlySpan<byte> payload)
    {
        WriteUInt32(bytes, (uint)kind);
        WriteUInt32(bytes, (uint)payload.Length);
        bytes.Write(payload);
    }

    private static void WriteUInt32(MemoryStream bytes, uint value)
    {
        Span<byte> four = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(four, value);
        bytes.Write(four);
    }
}

/// <summary>An entity cannot be turned into key bytes; the message names the join key or the setting and the way out.</summary>
public sealed class EntityKeyException(string message) : Exception(message);
