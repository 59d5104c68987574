using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Value = Feast.Types.Value;

namespace FeatureStore.Contract.Values;

/// <summary>
/// Serialized <c>feast.types.Value</c> messages, as stored for one feature. The oneof writes zero values too; Feast's
/// stored null is no bytes at all.
/// </summary>
public static class ValueBytes
{
    private const long MicrosPerSecond = 1_000_000;
    private const int NanosPerMicro = 1_000;

    /// <summary>The stored form of a null feature.</summary>
    public static byte[] Null { get; } = [];

    public static byte[] Int32(int value) => new Value { Int32Val = value }.ToByteArray();

    public static byte[] Int64(long value) => new Value { Int64Val = value }.ToByteArray();

    public static byte[] Double(double value) => new Value { DoubleVal = value }.ToByteArray();

    public static byte[] Float(float value) => new Value { FloatVal = value }.ToByteArray();

    public static byte[] Boolean(bool value) => new Value { BoolVal = value }.ToByteArray();

    public static byte[] Text(string value) => new Value { StringVal = value }.ToByteArray();

    /// <summary>A <c>unix_timestamp_val</c>, in whole seconds since the epoch.</summary>
    public static byte[] UnixTimestamp(long seconds) => new Value { UnixTimestampVal = seconds }.ToByteArray();

    /// <summary>A <c>google.protobuf.Timestamp</c> for an event time in microseconds since the epoch; the epoch itself is no bytes.</summary>
    public static byte[] Timestamp(long micros)
    {
        var seconds = Math.DivRem(micros, MicrosPerSecond, out var rest);
        if (rest < 0)
        {
            seconds--;
            rest += MicrosPerSecond;
        }

        return new Timestamp { Seconds = seconds, Nanos = (int)rest * NanosPerMicro }.ToByteArray();
    }

    /// <summary>Reads what <see cref="Timestamp(long)"/> wrote; nanoseconds below a microsecond are cut.</summary>
    /// <exception cref="InvalidProtocolBufferException">The bytes are no Timestamp message.</exception>
    public static long TimestampMicros(ReadOnlySpan<byte> bytes)
    {
        var time = new Timestamp();
        time.MergeFrom(bytes);
        return (time.Seconds * MicrosPerSecond) + (time.Nanos / NanosPerMicro);
    }
}
