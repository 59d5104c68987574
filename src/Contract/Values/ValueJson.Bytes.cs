using System.Buffers.Binary;
using System.Text.Json;
using Feast.Types;
using Google.Protobuf;

namespace FeatureStore.Contract.Values;

/// <summary>The same from stored bytes: scalars are printed without making a message.</summary>
public static partial class ValueJson
{
    private const int BitsPerVarintByte = 7;
    private const int VarintBytesMax = 10;
    private const int FieldShift = 3;
    private const byte LowSevenBits = 0x7f;

    /// <summary>Writes one stored value; no bytes are null.</summary>
    /// <exception cref="ValueJsonException">As for a message.</exception>
    /// <exception cref="InvalidProtocolBufferException">The bytes are no Value message.</exception>
    public static void Write(Utf8JsonWriter writer, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(writer);
        if (bytes.IsEmpty)
        {
            writer.WriteNullValue();
        }
        else if (!TryWriteScalar(writer, bytes[0], bytes[1..]))
        {
            Write(writer, Value.Parser.ParseFrom(bytes));
        }
    }

    // False for anything but one scalar that fills the bytes.
    private static bool TryWriteScalar(Utf8JsonWriter writer, byte tag, ReadOnlySpan<byte> payload)
    {
        switch ((tag >> FieldShift, (WireFormat.WireType)(tag & 7)))
        {
            case (Value.StringValFieldNumber, WireFormat.WireType.LengthDelimited) when TryVarint(payload, out var length, out var start)
                && length == (ulong)(payload.Length - start):
                writer.WriteStringValue(payload[start..]);
                return true;
            case (Value.Int32ValFieldNumber, WireFormat.WireType.Varint) when TryVarint(payload, out var number, out var end) && end == payload.Length:
                writer.WriteNumberValue((int)number);
                return true;
            case (Value.Int64ValFieldNumber or Value.UnixTimestampValFieldNumber, WireFormat.WireType.Varint) when TryVarint(payload, out var number, out var end)
                && end == payload.Length:
                writer.WriteNumberValue((long)number);
                return true;
            case (Value.BoolValFieldNumber, WireFormat.WireType.Varint) when TryVarint(payload, out var number, out var end) && end == payload.Length:
                writer.WriteBooleanValue(number != 0);
                return true;
            case (Value.DoubleValFieldNumber, WireFormat.WireType.Fixed64) when payload.Length == sizeof(double):
                WriteDouble(writer, BinaryPrimitives.ReadDoubleLittleEndian(payload));
                return true;
            case (Value.FloatValFieldNumber, WireFormat.WireType.Fixed32) when payload.Length == sizeof(float):
                WriteDouble(writer, BinaryPrimitives.ReadSingleLittleEndian(payload));
                return true;
            default:
                return false;
        }
    }

    private static bool TryVarint(ReadOnlySpan<byte> bytes, out ulong value, out int end)
    {
        value = 0;
        for (end = 0; end < bytes.Length && end < VarintBytesMax;)
        {
            var part = bytes[end];
            value |= (ulong)(part & LowSevenBits) << (BitsPerVarintByte * end++);
            if (part <= LowSevenBits)
            {
                return true;
            }
        }

        return false;
    }
}
