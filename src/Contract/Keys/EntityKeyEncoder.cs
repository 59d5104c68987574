using System.Buffers;
using System.Text;
using Feast.Types;

namespace FeatureStore.Contract.Keys;

/// <summary>Entity keys one at a time; who encodes many of the same join keys keeps an <see cref="EntityKeyTemplate"/>.</summary>
public static class EntityKeyEncoder
{
    /// <summary>Encodes one entity.</summary>
    /// <param name="keys">Join keys with their values, in any order; names are distinct.</param>
    /// <param name="version">2 or 3.</param>
    /// <exception cref="EntityKeyException">The version or a value's type cannot be encoded.</exception>
    public static byte[] Encode(IReadOnlyList<(string JoinKey, Value Value)> keys, int version)
    {
        var bytes = new ArrayBufferWriter<byte>();
        new EntityKeyTemplate([.. keys.Select(k => k.JoinKey)], version).Write(bytes, [.. keys.Select(k => k.Value)]);
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>The Redis key of an entity: its bytes followed by the project's UTF-8, with nothing between.</summary>
    public static byte[] ForRedis(ReadOnlySpan<byte> entityKey, string project)
    {
        var key = new byte[entityKey.Length + Encoding.UTF8.GetByteCount(project)];
        entityKey.CopyTo(key);
        Encoding.UTF8.GetBytes(project, key.AsSpan(entityKey.Length));
        return key;
    }
}

/// <summary>An entity cannot be turned into key bytes; the message names the join key or the setting and the way out.</summary>
public sealed class EntityKeyException(string message) : Exception(message);
