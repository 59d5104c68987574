using System.Buffers.Binary;
using System.Text;
using FeatureStore.Scoring.Models;

namespace FeatureStore.Scoring.Import.XGBoost;

/// <summary>Reads XGBoost's UBJ: Universal Binary JSON, big-endian, with typed arrays.</summary>
internal ref struct XgbUbj(ReadOnlySpan<byte> bytes)
{
    private const int DepthMax = 32;
    private const int ValuesMax = 5_000_000;

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _at;
    private int _values;

    /// <exception cref="ModelRefusedException">The bytes are no UBJ object, or larger than any model.</exception>
    public static XgbValue.Map Parse(ReadOnlySpan<byte> bytes)
    {
        var reader = new XgbUbj(bytes);
        var value = reader.Value(reader.Byte(), 0);
        return reader._at == bytes.Length && value is XgbValue.Map map ? map : throw reader.Bad("something else than one object");
    }

    private XgbValue Value(byte marker, int depth)
    {
        if (depth > DepthMax || ++_values > ValuesMax)
        {
            throw Bad($"values nested too deep, or more than {ValuesMax:N0} of them");
        }

        return marker switch
        {
            (byte)'{' => Object(depth),
            (byte)'[' => Array(depth),
            (byte)'S' => new XgbValue.Text(String()),
            (byte)'T' => new XgbValue.Number(1),
            (byte)'F' => new XgbValue.Number(0),
            _ => new XgbValue.Number(Number(marker)),
        };
    }

    private XgbValue.Map Object(int depth)
    {
        var fields = new Dictionary<string, XgbValue>(StringComparer.Ordinal);
        while (Peek() != '}')
        {
            if (!fields.TryAdd(String(), Value(Byte(), depth + 1)))
            {
                throw Bad("a field named twice");
            }
        }

        _at++;
        return new XgbValue.Map(fields);
    }

    private XgbValue Array(int depth)
    {
        byte type = 0;
        if (Peek() == '$')
        {
            _at++;
            type = Byte();
        }

        var counted = Peek() == '#';
        _at += counted ? 1 : 0;
        if (type != 0)
        {
            return counted ? new XgbValue.Numbers(Typed(type)) : throw Bad("a typed array without a count");
        }

        var left = counted ? Count() : long.MaxValue;
        var items = new List<XgbValue>();
        for (; left > 0 && (counted || Peek() != ']'); left--)
        {
            items.Add(Value(Byte(), depth + 1));
        }

        _at += counted ? 0 : 1;
        return items.Count > 0 && items.TrueForAll(i => i is XgbValue.Number)
            ? new XgbValue.Numbers([.. items.Select(i => ((XgbValue.Number)i).Value)])
            : new XgbValue.List(items);
    }

    private double[] Typed(byte type)
    {
        var count = Count();
        var size = Size(type);
        if (count > (_bytes.Length - _at) / size)
        {
            throw Bad($"an array of {count:N0} values that it does not hold");
        }

        var values = new double[count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Number(type);
        }

        return values;
    }

    private readonly int Size(byte type) => type switch
    {
        (byte)'i' or (byte)'U' => sizeof(byte),
        (byte)'I' => sizeof(short),
        (byte)'l' or (byte)'d' => sizeof(int),
        (byte)'L' or (byte)'D' => sizeof(long),
        _ => throw Bad($"the marker 0x{type:x2}, which no number has"),
    };

    private double Number(byte type)
    {
        var bytes = Take(Size(type));
        return type switch
        {
            (byte)'i' => (sbyte)bytes[0],
            (byte)'U' => bytes[0],
            (byte)'I' => BinaryPrimitives.ReadInt16BigEndian(bytes),
            (byte)'l' => BinaryPrimitives.ReadInt32BigEndian(bytes),
            (byte)'L' => BinaryPrimitives.ReadInt64BigEndian(bytes),
            (byte)'d' => BinaryPrimitives.ReadSingleBigEndian(bytes),
            _ => BinaryPrimitives.ReadDoubleBigEndian(bytes),
        };
    }

    private string String() => Encoding.UTF8.GetString(Take(Count()));

    private long Count()
    {
        var type = Byte();
        var value = type is (byte)'d' or (byte)'D' ? -1 : Number(type);
        return value >= 0 ? (long)value : throw Bad("a length that is no whole number");
    }

    private ReadOnlySpan<byte> Take(long length)
    {
        if (length > _bytes.Length - _at)
        {
            throw Bad("its end too early");
        }

        var taken = _bytes.Slice(_at, (int)length);
        _at += (int)length;
        return taken;
    }

    private byte Byte() => Take(1)[0];

    private readonly byte Peek() => _at < _bytes.Length ? _bytes[_at] : throw Bad("its end too early");

    private readonly ModelRefusedException Bad(string what) => new($"The XGBoost file is no UBJ of a model: at byte {_at} it has {what}.");
}
