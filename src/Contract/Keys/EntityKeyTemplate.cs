using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Feast.Types;

namespace FeatureStore.Contract.Keys;

/// <summary>
/// The entity keys of one list of join keys as Feast's <c>key_encoding_utils.py</c> writes them; all integers little-endian.
/// <code>
/// v3 = u32 count, (u32 2, u32 length, utf8 name)*, (u32 tag, u32 length, payload)*
/// v2 = (u32 2, utf8 name)*, (u32 tag, u32 length, payload)*
/// </code>
/// Pairs are sorted by the join key's code points, which is the order of its UTF-8 bytes. All that does not depend on
/// the values is made once. Immutable.
/// </summary>
public sealed class EntityKeyTemplate
{
    private const uint StringTag = 2;

    private readonly byte[] _prefix;
    private readonly string[] _names;
    private readonly int[] _order;

    /// <param name="joinKeys">Distinct names, in the order in which values will be given.</param>
    /// <param name="version">2 or 3.</param>
    /// <exception cref="EntityKeyException">The version cannot be encoded.</exception>
    public EntityKeyTemplate(IReadOnlyList<string> joinKeys, int version)
    {
        if (version is not (2 or 3))
        {
            throw new EntityKeyException(
                $"entity_key_serialization_version {version} is not supported; set it to 3 (or 2 to read old data).");
        }

        _names = [.. joinKeys];
        var encoded = Array.ConvertAll(_names, Encoding.UTF8.GetBytes);
        _order = [.. Enumerable.Range(0, encoded.Length)];
        Array.Sort(_order, (a, b) => encoded[a].AsSpan().SequenceCompareTo(encoded[b]));
        var prefix = new ArrayBufferWriter<byte>();
        if (version == 3)
        {
            WriteUInt32(prefix, (uint)encoded.Length);
        }

        foreach (var index in _order)
        {
            WriteUInt32(prefix, StringTag);
            if (version == 3)
            {
                WriteUInt32(prefix, (uint)encoded[index].Length);
            }

            prefix.Write(encoded[index]);
        }

        _prefix = prefix.WrittenSpan.ToArray();
    }

    /// <summary>The bytes before the first value.</summary>
    public ReadOnlySpan<byte> Prefix => _prefix;

    /// <summary>Writes the key of one entity; <paramref name="values"/> follow the join keys as they were given.</summary>
    /// <exception cref="EntityKeyException">A value's type cannot be encoded; what was written by then must be dropped.</exception>
    public void Write(IBufferWriter<byte> target, ReadOnlySpan<Value> values)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, _names.Length);
        target.Write(_prefix);
        foreach (var index in _order)
        {
            WriteValue(target, _names[index], values[index]);
        }
    }

    private static void WriteValue(IBufferWriter<byte> target, string joinKey, Value value)
    {
        switch (value.ValCase)
        {
            case Value.ValOneofCase.BytesVal:
                WriteHeader(target, value.ValCase, value.BytesVal.Length);
                target.Write(value.BytesVal.Span);
                break;
            case Value.ValOneofCase.StringVal:
                WriteHeader(target, value.ValCase, Encoding.UTF8.GetByteCount(value.StringVal));
                Encoding.UTF8.GetBytes(value.StringVal, target);
                break;
            case Value.ValOneofCase.Int32Val:
                WriteHeader(target, value.ValCase, sizeof(int));
                BinaryPrimitives.WriteInt32LittleEndian(target.GetSpan(sizeof(int)), value.Int32Val);
                target.Advance(sizeof(int));
                break;
            case Value.ValOneofCase.Int64Val:
                WriteInt64(target, value.ValCase, value.Int64Val);
                break;
            case Value.ValOneofCase.UnixTimestampVal:
                WriteInt64(target, value.ValCase, value.UnixTimestampVal);
                break;
            default:
                throw new EntityKeyException(
                    $"Join key '{joinKey}' has a value of kind {value.ValCase}; a key is bytes, string, int32, int64 or unix_timestamp.");
        }
    }

    private static void WriteInt64(IBufferWriter<byte> target, Value.ValOneofCase kind, long value)
    {
        WriteHeader(target, kind, sizeof(long));
        BinaryPrimitives.WriteInt64LittleEndian(target.GetSpan(sizeof(long)), value);
        target.Advance(sizeof(long));
    }

    // The oneof's field numbers are the type tags of the key format.
    private static void WriteHeader(IBufferWriter<byte> target, Value.ValOneofCase kind, int length)
    {
        WriteUInt32(target, (uint)kind);
        WriteUInt32(target, (uint)length);
    }

    private static void WriteUInt32(IBufferWriter<byte> target, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target.GetSpan(sizeof(uint)), value);
        target.Advance(sizeof(uint));
    }
}
