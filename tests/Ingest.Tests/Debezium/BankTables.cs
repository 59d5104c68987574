using FeatureStore.Ingest.Debezium;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Tests.Debezium;

/// <summary>A table of the recorded database as one would declare it: columns, key, and how PostgreSQL prints what each column should hold.</summary>
internal sealed record BankTable(string Name, string[] Key, (string Column, LakeType Type)[] Columns, EnvelopeOptions? Options = null)
{
    public IReadOnlyList<LakeColumn> LakeColumns { get; } = [.. Columns.Select(c => new LakeColumn(c.Column, c.Type))];

    /// <summary>The topic's name behind its prefix: other characters than these become an underscore.</summary>
    public string Topic => string.Concat(Name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '_'));

    public EnvelopeOptions Declared => (Options ?? EnvelopeOptions.Default) with { KeyColumns = Key };
}

internal static class BankTables
{
    private const LakeType Text = LakeType.String;
    private const LakeType Int = LakeType.Int32;
    private const LakeType Long = LakeType.Int64;
    private const LakeType Real = LakeType.Double;
    private const LakeType Time = LakeType.Timestamp;

    /// <summary>The tables with plain types. Columns that later DDL renames, or that time fills, are left out.</summary>
    public static BankTable[] Plain { get; } =
    [
        new("public.transactions", ["transaction_id"], [("user_id", Text), ("transaction_id", Text), ("amount", Real), ("vendor", Text), ("sources", Text), ("time", Time)]),
        new("public.composite_key", ["a", "b"], [("a", Int), ("b", Text), ("v", Long)]),
        new("public.nokey_full", [], [("a", Int), ("b", Text), ("v", Real)]),
        new("public.nokey_default", [], [("a", Int), ("b", Text)]),
        new("public.key_full", ["id"], [("id", Int), ("a", Text), ("big", Text), ("v", Int)]),
        new("public.key_nothing", ["id"], [("id", Int), ("b", Text)]),
        new("public.key_index", ["code"], [("id", Int), ("code", Text), ("v", Int)]),
        new("public.toast", ["id"], [("id", Int), ("small", Text), ("big", Text), ("big2", Text), ("big3", Text)]),
        new("public.part", ["id", "region"], [("id", Int), ("region", Text), ("v", Int)]),
        new("public.part_eu", ["id", "region"], [("id", Int), ("region", Text), ("v", Int)]),
        new("public.part_us", ["id", "region"], [("id", Int), ("region", Text), ("v", Int)]),
        new("public.gen", ["id"], [("id", Int), ("a", Int)]),
        new("public.defaults", ["id"], [("id", Int), ("n", Int), ("t", Text), ("d", Real), ("bo", LakeType.Boolean), ("dt", LakeType.Date)], new EnvelopeOptions { Scales = new Dictionary<string, int> { ["d"] = 2 } }),
        new("public.ddl", ["id"], [("id", Int), ("a", Long)]),
        new("public.teen", ["n"], [("id", Int), ("n", Text)]),
        new("public.parent", ["id"], [("id", Int), ("n", Text)]),
        new("public.child", ["id"], [("id", Int), ("pid", Int), ("n", Text)]),
        new("public.Odd Table-1.x", ["id"], [("id", Int), ("Mixed Case", Text), ("dash-col", Int), ("select", Text), ("ünï", Text)]),
        new("sales.orders", ["id"], [("id", Long), ("total", Text)], new EnvelopeOptions { Scales = new Dictionary<string, int> { ["total"] = 4 } }),
    ];

    /// <summary>The table of all types under a run's modes: what bare events do not tell is declared.</summary>
    public static BankTable Types(string run)
    {
        var decimals = run is "m_double" or "m_tmicro" ? Real : Text;
        var isBare = run is "json" or "ops" or "replay_iso";
        return new BankTable(
            "public.types",
            ["id"],
            [
                ("id", Long), ("c_smallint", Int), ("c_int", Long), ("c_bigint", Long), ("c_real", Real), ("c_double", Real),
                ("c_numeric_10_2", decimals), ("c_numeric", decimals), ("c_numeric_38_0", decimals), ("c_money", decimals), ("c_bool", LakeType.Boolean),
                ("c_char5", Text), ("c_varchar", Text), ("c_varchar20", Text), ("c_text", Text), ("c_date", LakeType.Date),
                ("c_ts", Time), ("c_ts0", Time), ("c_ts3", Time), ("c_ts6", Time), ("c_tstz", Time), ("c_tstz3", Time),
                ("c_uuid", Text), ("c_json", Text), ("c_jsonb", Text), ("c_inet", Text), ("c_cidr", Text), ("c_macaddr", Text),
                ("c_enum", Text), ("c_xml", Text), ("c_bit1", LakeType.Boolean), ("c_oid", Long), ("c_int4range", Text), ("c_tsvector", Text), ("c_domain", Long),
            ],
            new EnvelopeOptions
            {
                Scales = isBare ? new Dictionary<string, int> { ["c_numeric_10_2"] = 2, ["c_numeric_38_0"] = 0, ["c_money"] = run == "replay_iso" ? 3 : 2 } : [],
                Times = run switch
                {
                    "json" or "ops" or "m_tmicro" => Units(TimeKind.Milliseconds, "c_ts0", "c_ts3"),
                    "m_nano" => Units(TimeKind.Nanoseconds, "c_ts", "c_ts0", "c_ts3", "c_ts6"),
                    _ => [],
                },
            });
    }

    private static Dictionary<string, TimeKind> Units(TimeKind kind, params string[] columns) => columns.ToDictionary(c => c, _ => kind);
}
