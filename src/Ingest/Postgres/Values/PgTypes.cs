namespace FeatureStore.Ingest.Postgres.Values;

/// <summary>OIDs of PostgreSQL's own types, which never change (<c>pg_type.dat</c>), and what stands for the others.</summary>
internal static class PgTypes
{
    public const uint Boolean = 16;
    public const uint Bytes = 17;
    public const uint Int64 = 20;
    public const uint Int16 = 21;
    public const uint Int32 = 23;
    public const uint Text = 25;
    public const uint Oid = 26;
    public const uint Point = 600;
    public const uint Single = 700;
    public const uint Double = 701;
    public const uint Money = 790;
    public const uint TextList = 1009;
    public const uint Char = 1042;
    public const uint VarChar = 1043;
    public const uint Date = 1082;
    public const uint Time = 1083;
    public const uint Timestamp = 1114;
    public const uint TimestampWithZone = 1184;
    public const uint Interval = 1186;
    public const uint TimeWithZone = 1266;
    public const uint Bit = 1560;
    public const uint BitVarying = 1562;
    public const uint Numeric = 1700;

    /// <summary>Stands for the extension's type, whose OID is another one in each database.</summary>
    public const uint HStore = uint.MaxValue;

    private const uint FirstOwn = 16_384; // OIDs below it are the system's.

    private static readonly Dictionary<string, uint> OfName = new()
    {
        ["bool"] = Boolean,
        ["bytea"] = Bytes,
        ["int8"] = Int64,
        ["int2"] = Int16,
        ["int4"] = Int32,
        ["text"] = Text,
        ["oid"] = Oid,
        ["point"] = Point,
        ["float4"] = Single,
        ["float8"] = Double,
        ["money"] = Money,
        ["date"] = Date,
        ["time"] = Time,
        ["timestamp"] = Timestamp,
        ["timestamptz"] = TimestampWithZone,
        ["interval"] = Interval,
        ["timetz"] = TimeWithZone,
        ["bit"] = Bit,
        ["varbit"] = BitVarying,
        ["numeric"] = Numeric,
    };

    private static readonly Dictionary<uint, uint> Elements = new()
    {
        [1000] = Boolean,
        [1001] = Bytes,
        [1016] = Int64,
        [1005] = Int16,
        [1007] = Int32,
        [TextList] = Text,
        [1028] = Oid,
        [1021] = Single,
        [1022] = Double,
        [791] = Money,
        [1182] = Date,
        [1183] = Time,
        [1115] = Timestamp,
        [1185] = TimestampWithZone,
        [1187] = Interval,
        [1270] = TimeWithZone,
        [1231] = Numeric,
        [1014] = Char,
        [1015] = VarChar,
        [2951] = Text,
        [199] = Text,
        [3807] = Text,
        [1041] = Text,
        [651] = Text,
        [1040] = Text,
    };

    /// <summary>The OID that tells how a value is written: domains by the type under them, lists of other types as lists of texts, all else as text.</summary>
    /// <param name="isSystem">True if the type, or that under the domain, is in <c>pg_catalog</c>.</param>
    /// <param name="name">Its name there.</param>
    public static uint Resolved(uint oid, bool isSystem, string name) =>
        oid < FirstOwn ? oid
        : isSystem ? OfName.GetValueOrDefault(name, Text)
        : name == "hstore" ? HStore
        : name.StartsWith('_') ? TextList
        : Text;

    /// <summary>Type of a list's elements; null if the type is no list.</summary>
    public static uint? Element(uint oid) => Elements.TryGetValue(oid, out var element) ? element : null;
}
