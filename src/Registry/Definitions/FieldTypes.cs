using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Registry.Definitions;

/// <summary>The names of types: Feast's Python names (<c>Int64</c>, <c>Array(String)</c>) and the registry's (<c>INT64</c>, <c>STRING_LIST</c>).</summary>
internal static class FieldTypes
{
    /// <summary>What a message tells the user to write.</summary>
    public const string Form =
        "Int32, Int64, Float32, Float64, String, Bytes, Bool, UnixTimestamp, Uuid, TimeUuid, Decimal, Array(…) or Set(…) of one of them, "
        + "Json, Map, Struct or Array(…) of one of them, Array(Array(…)), Set(Array(…)), ScalarMap or ZonedTimestamp";

    private const string ListOf = "Array(";
    private const string SetOf = "Set(";

    // Longer than any type; what is nested deeper is no type.
    private const int LengthMax = 100;

    private static readonly (string Python, string Proto, Kind Scalar, Kind? List, Kind? Set)[] Types =
    [
        ("Int32", "INT32", Kind.Int32, Kind.Int32List, Kind.Int32Set),
        ("Int64", "INT64", Kind.Int64, Kind.Int64List, Kind.Int64Set),
        ("Float32", "FLOAT", Kind.Float, Kind.FloatList, Kind.FloatSet),
        ("Float64", "DOUBLE", Kind.Double, Kind.DoubleList, Kind.DoubleSet),
        ("String", "STRING", Kind.String, Kind.StringList, Kind.StringSet),
        ("Bytes", "BYTES", Kind.Bytes, Kind.BytesList, Kind.BytesSet),
        ("Bool", "BOOL", Kind.Bool, Kind.BoolList, Kind.BoolSet),
        ("UnixTimestamp", "UNIX_TIMESTAMP", Kind.UnixTimestamp, Kind.UnixTimestampList, Kind.UnixTimestampSet),
        ("Uuid", "UUID", Kind.Uuid, Kind.UuidList, Kind.UuidSet),
        ("TimeUuid", "TIME_UUID", Kind.TimeUuid, Kind.TimeUuidList, Kind.TimeUuidSet),
        ("Decimal", "DECIMAL", Kind.Decimal, Kind.DecimalList, Kind.DecimalSet),
        ("Json", "JSON", Kind.Json, Kind.JsonList, null),
        ("Map", "MAP", Kind.Map, Kind.MapList, null),
        ("Struct", "STRUCT", Kind.Struct, Kind.StructList, null),
        ("ScalarMap", "SCALAR_MAP", Kind.ScalarMap, null, null),
        ("ZonedTimestamp", "ZONED_TIMESTAMP", Kind.ZonedTimestamp, null, null),
    ];

    private static readonly Dictionary<Kind, (Kind? List, Kind? Set)> Collections = Types.ToDictionary(t => t.Scalar, t => (t.List, t.Set));

    private static readonly Dictionary<Kind, string> Texts = AllTexts();

    private static readonly Dictionary<string, Kind> ByName = Names();

    public static bool TryParse(string text, out Kind kind)
    {
        kind = Kind.Invalid;
        if (text.Length > LengthMax)
        {
            return false;
        }

        var compact = text.Replace(" ", string.Empty, StringComparison.Ordinal);
        return TryParseCompact(compact, out kind);
    }

    public static string Text(Kind kind) => Texts.GetValueOrDefault(kind, kind.ToString());

    /// <summary>True for the types that an entity key can hold.</summary>
    public static bool IsKey(Kind kind) => kind is Kind.Bytes or Kind.String or Kind.Int32 or Kind.Int64 or Kind.UnixTimestamp;

    private static bool TryParseCompact(string text, out Kind kind)
    {
        if (ByName.TryGetValue(text, out kind))
        {
            return true;
        }

        var isList = text.StartsWith(ListOf, StringComparison.OrdinalIgnoreCase);
        var opening = isList ? ListOf : SetOf;
        if (!text.StartsWith(opening, StringComparison.OrdinalIgnoreCase) || !text.EndsWith(')') || !TryParseCompact(text[opening.Length..^1], out var inner))
        {
            return false;
        }

        // A collection of collections has one type, whatever they hold.
        var collection = Collections.TryGetValue(inner, out var of) ? (isList ? of.List : of.Set) : isList ? Kind.ValueList : Kind.ValueSet;
        kind = collection ?? Kind.Invalid;
        return collection is not null;
    }

    private static Dictionary<Kind, string> AllTexts()
    {
        var texts = new Dictionary<Kind, string> { [Kind.ValueList] = "Array(Array(String))", [Kind.ValueSet] = "Set(Array(String))" };
        foreach (var (python, _, scalar, list, set) in Types)
        {
            texts[scalar] = python;
            texts[list ?? scalar] = list is null ? python : $"{ListOf}{python})";
            texts[set ?? scalar] = set is null ? python : $"{SetOf}{python})";
        }

        return texts;
    }

    private static Dictionary<string, Kind> Names()
    {
        var names = new Dictionary<string, Kind>(StringComparer.OrdinalIgnoreCase)
        {
            ["VALUE_LIST"] = Kind.ValueList,
            ["VALUE_SET"] = Kind.ValueSet,

            // Feast tells these apart in Python alone.
            ["PdfBytes"] = Kind.Bytes,
            ["ImageBytes"] = Kind.Bytes,
        };
        foreach (var (python, proto, scalar, list, set) in Types)
        {
            names[python] = names[proto] = scalar;
            if (list is { } ofList)
            {
                names[$"{proto}_LIST"] = ofList;
            }

            if (set is { } ofSet)
            {
                names[$"{proto}_SET"] = ofSet;
            }
        }

        return names;
    }
}
