using System.Text;
using FeatureStore.Contract.Keys;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>The glob that a scan gives to Redis. Bytes of a key that mean something in a glob stand for themselves.</summary>
internal static class RedisPattern
{
    public static byte[] Of(EntityKeyShape keys, string project)
    {
        var pattern = new List<byte>();
        Escape(keys.Prefix, pattern);
        pattern.Add((byte)'*');
        Escape(Encoding.UTF8.GetBytes(project), pattern);
        return [.. pattern];
    }

    private static void Escape(ReadOnlySpan<byte> bytes, List<byte> pattern)
    {
        foreach (var b in bytes)
        {
            if (b is (byte)'*' or (byte)'?' or (byte)'[' or (byte)']' or (byte)'\\')
            {
                pattern.Add((byte)'\\');
            }

            pattern.Add(b);
        }
    }
}
