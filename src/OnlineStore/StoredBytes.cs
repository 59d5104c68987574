using System.Text.Unicode;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Value = Feast.Types.Value;

namespace FeatureStore.OnlineStore;

/// <summary>
/// Looks at what other programs may have stored before it goes into an answer, where it would break the whole message.
/// Scalars, which are nearly all, are checked without making a message.
/// </summary>
internal static class StoredBytes
{
    private const long MicrosPerSecond = 1_000_000;
    private const int NanosPerMicro = 1_000;
    private const int NanosPerSecond = 1_000_000_000;
    private const int VarintBytesMax = 10;
    private const int BitsPerVarintByte = 7;
    private const byte MoreFollows = 0x80;
    private const byte SecondsTag = Timestamp.SecondsFieldNumber << 3;
    private const byte NanosTag = Timestamp.NanosFieldNumber << 3;

    // 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the bounds that google/protobuf/timestamp.proto sets.
    private const long SecondsMin = -62_135_596_800;
    private const long SecondsMax = 253_402_300_799;

    /// <exception cref="OnlineStoreException">A value is no <c>feast.types.Value</c>; its view and feature are named.</exception>
    public static void CheckValues(OnlineTable table, StoredValues row)
    {
        for (var f = 0; f < row.Count; f++)
        {
            if (row.Bytes(f) is { Length: > 0 } bytes && !IsValue(bytes))
            {
                throw Wrong(table, $"a value of the feature '{table.Features[f]}' that is no feast.types.Value", null);
            }
        }
    }

    /// <summary>The event time in microseconds since the epoch; what is below a microsecond is cut.</summary>
    /// <exception cref="OnlineStoreException">The bytes are no <c>google.protobuf.Timestamp</c> within its range.</exception>
    public static long EventTimeMicros(OnlineTable table, ReadOnlySpan<byte> bytes)
    {
        if (!TryReadTime(bytes, out var seconds, out var nanos))
        {
            throw Wrong(table, "an event time that is no timestamp", null);
        }

        return seconds is >= SecondsMin and <= SecondsMax && nanos is >= 0 and < NanosPerSecond
            ? (seconds * MicrosPerSecond) + (nanos / NanosPerMicro)
            : throw Wrong(table, "an event time that is out of range", null);
    }

    /// <summary>An event time kept as whole seconds since the epoch, in microseconds.</summary>
    /// <exception cref="OnlineStoreException">It is null or out of a Timestamp's range.</exception>
    public static long SecondsToMicros(OnlineTable table, long? seconds) =>
        seconds is >= SecondsMin and <= SecondsMax
            ? seconds.Value * MicrosPerSecond
            : throw Wrong(table, "an event time that is no number of seconds within the years 1 to 9999", null);

    /// <summary>Whether the bytes, at least one, are a whole <c>feast.types.Value</c>.</summary>
    public static bool IsValue(ReadOnlySpan<byte> bytes) => IsPlainScalar(bytes) || IsMessage(bytes);

    /// <summary>The error that names the view and what is wrong in it.</summary>
    public static OnlineStoreException Wrong(OnlineTable table, string what, Exception? cause) =>
        new($"The online store holds for the view '{table.View}' {what}; another program wrote it. Remove the view's rows and materialize again.", cause);

    private static bool IsPlainScalar(ReadOnlySpan<byte> bytes)
    {
        var rest = bytes[1..];
        return bytes[0] switch
        {
            (Value.DoubleValFieldNumber << 3) | (int)WireFormat.WireType.Fixed64 => rest.Length == sizeof(double),
            (Value.FloatValFieldNumber << 3) | (int)WireFormat.WireType.Fixed32 => rest.Length == sizeof(float),
            (Value.Int32ValFieldNumber << 3) or (Value.Int64ValFieldNumber << 3) or (Value.BoolValFieldNumber << 3)
                or (Value.UnixTimestampValFieldNumber << 3) => IsVarint(rest),
            (Value.StringValFieldNumber << 3) | (int)WireFormat.WireType.LengthDelimited =>
                rest.Length > 0 && rest[0] < MoreFollows && rest.Length == rest[0] + 1 && Utf8.IsValid(rest[1..]),
            _ => false,
        };
    }

    // Timestamp is {int64 seconds = 1; int32 nanos = 2}. Every row has one, so it is read without making a message.
    private static bool TryReadTime(ReadOnlySpan<byte> bytes, out long seconds, out long nanos)
    {
        seconds = nanos = 0;
        for (var at = 0; at < bytes.Length;)
        {
            var tag = bytes[at++];
            var length = bytes[at..].IndexOfAnyInRange((byte)0, (byte)(MoreFollows - 1)) + 1;
            if (length is 0 or > VarintBytesMax || tag is not (SecondsTag or NanosTag))
            {
                return false;
            }

            ulong value = 0;
            for (var i = length - 1; i >= 0; i--)
            {
                value = (value << BitsPerVarintByte) | (bytes[at + i] & (MoreFollows - 1UL));
            }

            at += length;
            (seconds, nanos) = tag == SecondsTag ? ((long)value, nanos) : (seconds, (long)value);
        }

        return true;
    }

    private static bool IsVarint(ReadOnlySpan<byte> bytes) =>
        bytes.Length is > 0 and <= VarintBytesMax && bytes[^1] < MoreFollows && !bytes[..^1].ContainsAnyInRange((byte)0, (byte)(MoreFollows - 1));

    private static bool IsMessage(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var value = new Value();
            value.MergeFrom(bytes);
            // A tag that no Value has would be kept as unknown and served as a null.
            return value.ValCase != Value.ValOneofCase.None;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }
}
