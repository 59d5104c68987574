using Google.Protobuf;

namespace FeatureStore.Contract.Values;

/// <summary><c>google.protobuf.Timestamp</c> written into a span, for event times in microseconds since the epoch: seconds 1, nanos 2, zeros left out.</summary>
public static class TimestampBytes
{
    private const byte SecondsTag = 1 << 3;
    private const byte NanosTag = 2 << 3;
    private const int BitsPerVarintByte = 7;
    private const ulong LowSevenBits = 0x7f;
    private const ulong MoreFollows = 0x80;
    private const long MicrosPerSecond = 1_000_000;
    private const int NanosPerMicro = 1_000;

    /// <summary>Bytes that <see cref="Write"/> fills.</summary>
    public static int Size(long micros)
    {
        var (seconds, nanos) = Split(micros);
        return (seconds == 0 ? 0 : 1 + CodedOutputStream.ComputeUInt64Size((ulong)seconds))
            + (nanos == 0 ? 0 : 1 + CodedOutputStream.ComputeUInt64Size((ulong)nanos));
    }

    /// <summary>Writes the message's fields and returns their size.</summary>
    public static int Write(Span<byte> target, long micros)
    {
        var (seconds, nanos) = Split(micros);
        var at = 0;
        if (seconds != 0)
        {
            target[at++] = SecondsTag;
            at += WriteVarint(target[at..], (ulong)seconds);
        }

        if (nanos != 0)
        {
            target[at++] = NanosTag;
            at += WriteVarint(target[at..], (ulong)nanos);
        }

        return at;
    }

    /// <summary>Writes a base-128 varint and returns its size.</summary>
    public static int WriteVarint(Span<byte> target, ulong value)
    {
        var at = 0;
        for (; value > LowSevenBits; value >>= BitsPerVarintByte)
        {
            target[at++] = (byte)(value | MoreFollows);
        }

        target[at++] = (byte)value;
        return at;
    }

    /// <summary>Whole seconds, rounded down, and the nanoseconds above them.</summary>
    internal static (long Seconds, int Nanos) Split(long micros)
    {
        var seconds = Math.DivRem(micros, MicrosPerSecond, out var rest);
        return rest < 0 ? (seconds - 1, (int)(rest + MicrosPerSecond) * NanosPerMicro) : (seconds, (int)rest * NanosPerMicro);
    }
}
