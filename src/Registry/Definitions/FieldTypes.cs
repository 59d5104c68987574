using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Registry.Definitions;

/// <summary>The names of types: Feast's Python names (<c>Int64</c>, <c>Array(String)</c>) and the registry's (<c>INT64</c>, <c>STRING_LIST</c>).</summary>
internal static class FieldTypes
{
    /// <summary>What a message tells the user to write.</summary>
    public const string Form = "Int32, Int64, Float32, Float64, String, Bytes, Bool, UnixTimestamp or Array(…) of one of them";

    private static readonly (string Python, string Proto, Kind Scalar, Kind List)[] Types =
    [
        ("Int32", "INT32", Kind.Int32, Kind.Int32List),
        ("Int64", "INT64", Kind.Int64, Kind.Int64List),
        ("Float32", "FLOAT", Kind.Float, Kind.FloatList),
        ("Float64", "DOUBLE", Kind.Double, Kind.DoubleList),
        ("String", "STRING", Kind.String, Kind.StringList),
        ("Bytes", "BYTES", Kind.Bytes, Kind.BytesList),
        ("Bool", "BOOL", Kind.Bool, Kind.BoolList),
        ("UnixTimestamp", "UNIX_TIMESTAMP", Kind.UnixTimestamp, Kind.UnixTimestampList),
    ];

    private static readonly Dictionary<string, Kind> ByName = Names();

    private static readonly Dictionary<Kind, string> Texts =
        Types.SelectMany(t => new[] { (t.Scalar, t.Python), (t.List, $"Array({t.Python})") }).ToDictionary(t => t.Item1, t => t.Item2);

    public static bool TryParse(string text, out Kind kind) => ByName.TryGetValue(text, out kind);

    public static string Text(Kind kind) => Texts.GetValueOrDefault(kind, kind.ToString());

    /// <summary>True for the types that an entity key can hold.</summary>
    public static bool IsKey(Kind kind) => kind is Kind.Bytes or Kind.String or Kind.Int32 or Kind.Int64 or Kind.UnixTimestamp;

    private static Dictionary<string, Kind> Names()
    {
        var names = new Dictionary<string, Kind>(StringComparer.OrdinalIgnoreCase);
        foreach (var (python, proto, scalar, list) in Types)
        {
            names[python] = names[proto] = scalar;
            names[$"Array({python})"] = names[$"{proto}_LIST"] = list;
        }

        return names;
    }
}
