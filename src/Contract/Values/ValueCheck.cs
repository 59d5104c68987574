using System.Text.Unicode;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Value = Feast.Types.Value;

namespace FeatureStore.Contract.Values;

/// <summary>
/// Whether bytes can stand in an answer as a <c>feast.types.Value</c>: every protobuf parser takes them. Nothing is
/// decoded or allocated; the shape comes from the message's own descriptor.
/// </summary>
public static class ValueCheck
{
    // Parsers stop at 100 messages inside each other, the answer's own two among them.
    private const int DepthMax = 96;

    private static readonly Dictionary<MessageDescriptor, Shape> Shapes = [];
    private static readonly Shape Root = ShapeOf(Value.Descriptor);

    /// <summary>True for well-formed bytes, none at all (a null) among them; text in them is UTF-8.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> bytes) => Check(bytes, Root, DepthMax);

    private static Shape ShapeOf(MessageDescriptor descriptor)
    {
        if (Shapes.TryGetValue(descriptor, out var known))
        {
            return known;
        }

        var fields = descriptor.Fields.InDeclarationOrder();
        var shape = new Shape(new Field?[fields.Max(f => f.FieldNumber) + 1]);
        Shapes[descriptor] = shape;
        foreach (var field in fields)
        {
            shape.Fields[field.FieldNumber] = new Field(
                WireOf(field.FieldType),
                field.FieldType == FieldType.String,
                field.IsRepeated && field.FieldType is not (FieldType.String or FieldType.Bytes or FieldType.Message),
                field.FieldType == FieldType.Message ? ShapeOf(field.MessageType) : null);
        }

        return shape;
    }

    private static WireFormat.WireType WireOf(FieldType type) => type switch
    {
        FieldType.Double or FieldType.Fixed64 or FieldType.SFixed64 => WireFormat.WireType.Fixed64,
        FieldType.Float or FieldType.Fixed32 or FieldType.SFixed32 => WireFormat.WireType.Fixed32,
        FieldType.String or FieldType.Bytes or FieldType.Message => WireFormat.WireType.LengthDelimited,
        _ => WireFormat.WireType.Varint,
    };

    private static bool Check(ReadOnlySpan<byte> bytes, Shape shape, int depth)
    {
        if (depth == 0)
        {
            return false;
        }

        while (!bytes.IsEmpty)
        {
            if (!TryVarint(ref bytes, out var tag) || tag > uint.MaxValue || tag >> 3 == 0)
            {
                return false;
            }

            var number = tag >> 3;
            var wire = (WireFormat.WireType)(tag & 7);
            var field = number < (ulong)shape.Fields.Length ? shape.Fields[number] : null;
            if (!TryPayload(ref bytes, wire, out var payload) || (field is not null && !CheckPayload(payload, wire, field, depth)))
            {
                return false;
            }
        }

        return true;
    }

    // A field of another wire form than its own is an unknown field to every parser, and passes.
    private static bool CheckPayload(ReadOnlySpan<byte> payload, WireFormat.WireType wire, Field field, int depth)
    {
        if (wire != WireFormat.WireType.LengthDelimited)
        {
            return true;
        }

        if (field.Wire == WireFormat.WireType.LengthDelimited)
        {
            return field.Message is { } message ? Check(payload, message, depth - 1) : !field.IsText || Utf8.IsValid(payload);
        }

        if (!field.IsPackable)
        {
            return true;
        }

        while (!payload.IsEmpty)
        {
            if (!TryPayload(ref payload, field.Wire, out _))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryPayload(ref ReadOnlySpan<byte> bytes, WireFormat.WireType wire, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        ulong length;
        switch (wire)
        {
            case WireFormat.WireType.Varint:
                return TryVarint(ref bytes, out _);
            case WireFormat.WireType.Fixed64:
                length = sizeof(ulong);
                break;
            case WireFormat.WireType.Fixed32:
                length = sizeof(uint);
                break;
            case WireFormat.WireType.LengthDelimited when TryVarint(ref bytes, out length):
                break;
            default:
                return false;
        }

        if (length > (ulong)bytes.Length)
        {
            return false;
        }

        payload = bytes[..(int)length];
        bytes = bytes[(int)length..];
        return true;
    }

    private static bool TryVarint(ref ReadOnlySpan<byte> bytes, out ulong value)
    {
        value = 0;
        for (var i = 0; i < bytes.Length && i < 10; i++)
        {
            value |= (ulong)(bytes[i] & 0x7f) << (7 * i);
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return true;
            }
        }

        return false;
    }

    private sealed record Field(WireFormat.WireType Wire, bool IsText, bool IsPackable, Shape? Message);

    private sealed record Shape(Field?[] Fields);
}
