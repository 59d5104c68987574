using System.Globalization;
using Feast.Types;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Contract.Values;

/// <summary>Lists, sets and maps.</summary>
public static partial class FeatureValues
{
    private static Value Many(object value, Kind type) => type switch
    {
        Kind.Map => new Value { MapVal = ToMap(value, type) },
        Kind.Struct => new Value { StructVal = ToMap(value, type) },
        Kind.ScalarMap => new Value { ScalarMapVal = ToScalarMap(value) },
        Kind.MapList => new Value { MapListVal = new MapList { Val = { Items(value, type).Select(v => ToMap(v, type)) } } },
        Kind.StructList => new Value { StructListVal = new MapList { Val = { Items(value, type).Select(v => ToMap(v, type)) } } },
        Kind.ValueList => new Value { ListVal = Nested(value, type) },
        Kind.ValueSet => new Value { SetVal = Nested(value, type) },
        _ => Scalars(value, type),
    };

    private static Value Scalars(object value, Kind type) => type switch
    {
        Kind.BytesList => new Value { BytesListVal = new BytesList { Val = { Items(value, type).Select(v => Bytes(v ?? Array.Empty<byte>())) } } },
        Kind.BytesSet => new Value { BytesSetVal = new BytesSet { Val = { Items(value, type).Select(v => Bytes(v ?? Array.Empty<byte>())) } } },
        Kind.StringList => new Value { StringListVal = Texts(value, type, Text) },
        Kind.StringSet => new Value { StringSetVal = new StringSet { Val = { Texts(value, type, Text).Val } } },
        Kind.Int32List => new Value { Int32ListVal = new Int32List { Val = { Items(value, type).Select(v => Int32(v ?? 0L)) } } },
        Kind.Int32Set => new Value { Int32SetVal = new Int32Set { Val = { Items(value, type).Select(v => Int32(v ?? 0L)) } } },
        Kind.Int64List => new Value { Int64ListVal = new Int64List { Val = { Items(value, type).Select(v => Int64(v ?? 0L, type)) } } },
        Kind.Int64Set => new Value { Int64SetVal = new Int64Set { Val = { Items(value, type).Select(v => Int64(v ?? 0L, type)) } } },
        Kind.DoubleList => new Value { DoubleListVal = new DoubleList { Val = { Items(value, type).Select(v => Double(v ?? 0.0, type)) } } },
        Kind.DoubleSet => new Value { DoubleSetVal = new DoubleSet { Val = { Items(value, type).Select(v => Double(v ?? 0.0, type)) } } },
        Kind.FloatList => new Value { FloatListVal = new FloatList { Val = { Items(value, type).Select(v => (float)Double(v ?? 0.0, type)) } } },
        Kind.FloatSet => new Value { FloatSetVal = new FloatSet { Val = { Items(value, type).Select(v => (float)Double(v ?? 0.0, type)) } } },
        Kind.BoolList => new Value { BoolListVal = new BoolList { Val = { Items(value, type).Select(v => Bool(v ?? false)) } } },
        Kind.BoolSet => new Value { BoolSetVal = new BoolSet { Val = { Items(value, type).Select(v => Bool(v ?? false)) } } },
        Kind.UnixTimestampList => new Value { UnixTimestampListVal = new Int64List { Val = { Items(value, type).Select(v => Seconds(v ?? NullTimestamp)) } } },
        Kind.UnixTimestampSet => new Value { UnixTimestampSetVal = new Int64Set { Val = { Items(value, type).Select(v => Seconds(v ?? NullTimestamp)) } } },
        Kind.JsonList => new Value { JsonListVal = new StringList { Val = { Items(value, type).Select(Json) } } },
        Kind.UuidList => new Value { UuidListVal = Texts(value, type, v => Uuid(v, type)) },
        Kind.TimeUuidList => new Value { TimeUuidListVal = Texts(value, type, v => Uuid(v, type)) },
        Kind.UuidSet => new Value { UuidSetVal = new StringSet { Val = { Texts(value, type, v => Uuid(v, type)).Val } } },
        Kind.TimeUuidSet => new Value { TimeUuidSetVal = new StringSet { Val = { Texts(value, type, v => Uuid(v, type)).Val } } },
        Kind.DecimalList => new Value { DecimalListVal = Texts(value, type, DecimalText) },
        Kind.DecimalSet => new Value { DecimalSetVal = new StringSet { Val = { Texts(value, type, DecimalText).Val } } },
        _ => throw Refuse(value, type, "the type is not known here"),
    };

    private static StringList Texts(object value, Kind type, Func<object, string> convert) =>
        new() { Val = { Items(value, type).Select(v => v is null ? string.Empty : convert(v)) } };

    // A set holds each member once; Feast's order among them is not fixed, ours is that of the first mention.
    private static IEnumerable<object?> Items(object value, Kind type)
    {
        var items = value as IReadOnlyList<object?> ?? throw Refuse(value, type, "send a list");
        return type.ToString().EndsWith("Set", StringComparison.Ordinal) ? items.Distinct() : items;
    }

    private static RepeatedValue Nested(object value, Kind type) => new()
    {
        Val =
        {
            Items(value, type).Select(inner => inner is null or IReadOnlyList<object?> { Count: 0 }
                ? new Value()
                : Inferred(inner is IReadOnlyList<object?> ? inner : throw Refuse(inner, type, "send a list of lists"))),
        },
    };

    private static Map ToMap(object? value, Kind type)
    {
        var map = new Map();
        foreach (var (name, inner) in Members(value) as IReadOnlyDictionary<string, object?> ?? throw Refuse(value ?? "null", type, "send an object"))
        {
            map.Val[name] = One(inner, Kind.Invalid);
        }

        return map;
    }

    // Feast's remote client sends a map as the JSON text of it.
    private static object? Members(object? value) => value is string text ? FromText(text) : value;

    private static ScalarMap ToScalarMap(object value)
    {
        var map = new ScalarMap();
        switch (value)
        {
            case IReadOnlyDictionary<object, object?> members:
                map.Val.Add(members.Select(p => new ScalarMapEntry { Key = ScalarKey(p.Key), Value = One(p.Value, Kind.Invalid) }));
                return map;
            case IReadOnlyDictionary<string, object?> { Count: 0 }:
                return map;
            default:
                throw Refuse(value, Kind.ScalarMap, "send an object whose keys are integers or truth values; a Map takes strings");
        }
    }

    private static ScalarMapKey ScalarKey(object key) => key switch
    {
        bool truth => new ScalarMapKey { BoolKey = truth },
        int or long => new ScalarMapKey { Int64Key = Convert.ToInt64(key, CultureInfo.InvariantCulture) },
        _ => throw Refuse(key, Kind.ScalarMap, "send integer or truth values as keys; a Map takes strings"),
    };

    /// <summary>The value in the type that Feast would see in it.</summary>
    private static Value Inferred(object value) => value switch
    {
        IReadOnlyList<object?> list => InferredList(list),
        IReadOnlyDictionary<string, object?> or IReadOnlyDictionary<object, object?> => One(value, Kind.Map),
        _ => One(value, InferredKind(value)),
    };

    private static Kind InferredKind(object value) => value switch
    {
        bool => Kind.Bool,
        int or long => Kind.Int64,
        double => Kind.Double,
        float => Kind.Float,
        string => Kind.String,
        byte[] => Kind.Bytes,
        decimal => Kind.Decimal,
        Guid => Kind.Uuid,
        DateTimeOffset or DateOnly => Kind.UnixTimestamp,
        ZonedTimestamp => Kind.ZonedTimestamp,
        IReadOnlyDictionary<string, object?> => Kind.Map,
        _ => throw Refuse(value, Kind.Invalid, "declare the feature's type"),
    };

    private static Value InferredList(IReadOnlyList<object?> list)
    {
        var kinds = list.Where(v => v is not (null or IReadOnlyList<object?>)).Select(v => InferredKind(v!)).Distinct().ToArray();
        if (kinds.Length == 0)
        {
            return list.OfType<IReadOnlyList<object?>>().Any()
                ? One(list, Kind.ValueList)
                : throw new FeatureValueException("The type of an empty list cannot be told; declare the feature's type.");
        }

        if (kinds.Length > 1 || list.Any(v => v is IReadOnlyList<object?>))
        {
            throw new FeatureValueException($"A list mixes {string.Join(", ", kinds.Select(k => k.ToString().ToUpperInvariant()))}; make its values of one type.");
        }

        return One(list, Enum.TryParse<Kind>($"{kinds[0]}List", out var listKind) ? listKind : throw Refuse(list, kinds[0], "declare the feature's type"));
    }
}
