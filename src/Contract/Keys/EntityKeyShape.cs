using System.Buffers.Binary;
using System.Text;
using Feast.Types;

namespace FeatureStore.Contract.Keys;

/// <summary>
/// What all entity keys of one join-key list have in common, so that a store that must look at every key finds exactly
/// those of one list and of no other, whatever their values are.
/// </summary>
public sealed class EntityKeyShape
{
    private readonly byte[] _prefix;
    private readonly int _joinKeyCount;

    /// <param name="joinKeys">Distinct join keys in any order; none is the key without entities.</param>
    /// <param name="version">2 or 3, as <see cref="EntityKeyEncoder.Encode"/> takes it.</param>
    /// <exception cref="EntityKeyException">The version cannot be encoded.</exception>
    public EntityKeyShape(IReadOnlyList<string> joinKeys, int version)
    {
        _prefix = new EntityKeyTemplate(joinKeys, version).Prefix.ToArray();
        _joinKeyCount = joinKeys.Count;
    }

    /// <summary>The bytes before the first value: the names, and at version 3 their count and lengths.</summary>
    public ReadOnlySpan<byte> Prefix => _prefix;

    /// <summary>Whether the bytes are a Redis key of this shape in the project: the prefix, one value per join key, the project, and nothing else.</summary>
    public bool IsRedisKey(ReadOnlySpan<byte> key, string project) =>
        TryReadEntityKey(key, out var length) && key[length..].SequenceEqual(Encoding.UTF8.GetBytes(project));

    /// <summary>Whether the bytes are an entity key of this shape.</summary>
    public bool IsEntityKey(ReadOnlySpan<byte> key) => TryReadEntityKey(key, out var length) && length == key.Length;

    private static bool TryReadValue(ReadOnlySpan<byte> bytes, out int size)
    {
        const int HeaderSize = 2 * sizeof(uint);
        size = 0;
        if (bytes.Length < HeaderSize)
        {
            return false;
        }

        var kind = (Value.ValOneofCase)BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        var payload = BinaryPrimitives.ReadUInt32LittleEndian(bytes[sizeof(uint)..]);
        if (payload > bytes.Length - HeaderSize || !IsPossible(kind, payload))
        {
            return false;
        }

        size = HeaderSize + (int)payload;
        return true;
    }

    private static bool IsPossible(Value.ValOneofCase kind, uint payload) => kind switch
    {
        Value.ValOneofCase.BytesVal or Value.ValOneofCase.StringVal => true,
        Value.ValOneofCase.Int32Val => payload == sizeof(int),
        // Version 1 wrote an int64 in four bytes; such keys are read by nobody here.
        Value.ValOneofCase.Int64Val or Value.ValOneofCase.UnixTimestampVal => payload == sizeof(long),
        _ => false,
    };

    private bool TryReadEntityKey(ReadOnlySpan<byte> key, out int length)
    {
        length = _prefix.Length;
        if (!key.StartsWith(_prefix))
        {
            return false;
        }

        for (var i = 0; i < _joinKeyCount; i++)
        {
            if (!TryReadValue(key[length..], out var size))
            {
                return false;
            }

            length += size;
        }

        return true;
    }
}
