using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Value = Feast.Types.Value;

namespace FeatureStore.Contract.Values;

/// <summary>
/// Serialized <c>feast.types.Value</c> messages, as stored for one feature. The oneof writes zero values too; Feast's
/// stored null is no bytes at all. The scalars are written straight to their bytes, one array each and no message.
/// </summary>
public static class ValueBytes
{
    private const long MicrosPerSecond = 1_000_000;
    private const int NanosPerMicro = 1_000;
    private const int TagBytes = 1;

    /// <summary>The stored form of a null feature.</summary>
    public static byte[] Null { get; } = [];

    public static byte[] Int32(int value) => Varint(Value.Int32ValFieldNumber, (ulong)value);

    public static byte[] Int64(long value) => Varint(Value.Int64ValFieldNumber, (ulong)value);

    public static byte[] Double(double value)
    {
        var bytes = new byte[TagBytes + sizeof(double)];
        bytes[0] = Tag(Value.DoubleValFieldNumber, WireFormat.WireType.Fixed64);
        BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(TagBytes), value);
        return bytes;
    }

    public static byte[] Float(float value)
    {
        var bytes = new byte[TagBytes + sizeof(float)];
        bytes[0] = Tag(Value.FloatValFieldNumber, WireFormat.WireType.Fixed32);
        BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(TagBytes), value);
        return bytes;
    }

    public static byte[] Boolean(bool value) => Varint(Value.BoolValFieldNumber, value ? 1UL : 0UL);

    /// <summary>A <c>string_val</c>; half a surrogate pair becomes U+FFFD, as UTF-8 cannot hold it.</summary>
    public static byte[] Text(string value)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        var start = TagBytes + VarintBytes((ulong)length);
        var bytes = new byte[start + length];
        bytes[0] = Tag(Value.StringValFieldNumber, WireFormat.WireType.LengthDelimited);
        TimestampBytes.WriteVarint(bytes.AsSpan(TagBytes), (ulong)length);
        Encoding.UTF8.GetBytes(value, bytes.AsSpan(start));
        return bytes;
    }

    /// <summary>A <c>unix_timestamp_val</c>, in whole seconds since the epoch.</summary>
    public static byte[] UnixTimestamp(long seconds) => Varint(Value.UnixTimestampValFieldNumber, (ulong)seconds);

    /// <summary>A <c>google.protobuf.Timestamp</c> for an event time in microseconds since the epoch; the epoch itself is no bytes.</summary>
    public static byte[] Timestamp(long micros) => ToTimestamp(micros).ToByteArray();

    /// <summary>The same as a message.</summary>
    public static Timestamp ToTimestamp(long micros)
    {
        var (seconds, nanos) = TimestampBytes.Split(micros);
        return new Timestamp { Seconds = seconds, Nanos = nanos };
    }

    /// <summary>Reads what <see cref="Timestamp(long)"/> wrote; nanoseconds below a microsecond are cut.</summary>
    /// <exception cref="InvalidProtocolBufferException">The bytes are no Timestamp message.</exception>
    public static long TimestampMicros(ReadOnlySpan<byte> bytes)
    {
        var time = new Timestamp();
        time.MergeFrom(bytes);
        return (time.Seconds * MicrosPerSecond) + (time.Nanos / NanosPerMicro);
    }

    private static byte[] Varint(int field, ulong value)
    {
        var bytes = new byte[TagBytes + VarintBytes(value)];
        bytes[0] = Tag(field, WireFormat.WireType.Varint);
        TimestampBytes.WriteVarint(bytes.AsSpan(TagBytes), value);
        return bytes;
    }

    // Every scalar's field number is below 16, so its tag is one byte.
    private static byte Tag(int field, WireFormat.WireType type) => (byte)WireFormat.MakeTag(field, type);

    private static int VarintBytes(ulong value) => CodedOutputStream.ComputeUInt64Size(value);
}
