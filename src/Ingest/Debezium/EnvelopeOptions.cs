namespace FeatureStore.Ingest.Debezium;

/// <summary>What a table's declaration says of its events beyond its columns; each is needed only where the events do not tell.</summary>
public sealed record EnvelopeOptions
{
    /// <summary>Debezium's own text for a value that the source did not send.</summary>
    public const string UnavailableDefault = "__debezium_unavailable_value";

    private static readonly Dictionary<string, TimeKind> NoTimes = [];
    private static readonly Dictionary<string, int> NoScales = [];

    public static EnvelopeOptions Default { get; } = new();

    /// <summary>What numbers of time columns count in events without a schema; microseconds when not named.</summary>
    public IReadOnlyDictionary<string, TimeKind> Times { get; init; } = NoTimes;

    /// <summary>Digits after the point of columns that come as Connect's bare bytes (<c>decimal.handling.mode=precise</c>) without a schema.</summary>
    public IReadOnlyDictionary<string, int> Scales { get; init; } = NoScales;

    /// <summary>
    /// The row's key columns. An event whose message key is missing, or has other columns, gets its key from its row image. None: rows have no key and are
    /// known by their values. Null: the message key is the key, and a row without one is known by its values.
    /// </summary>
    public IReadOnlyList<string>? KeyColumns { get; init; }

    /// <summary>True where the events were made here from the source's own types, so that a time near 1970 is no sign of a wrong unit.</summary>
    public bool AreTimesCertain { get; init; }

    /// <summary>The connector's <c>unavailable.value.placeholder</c>.</summary>
    public string Unavailable { get; init; } = UnavailableDefault;

    /// <summary>Name of the source for flattened events, which have none; for instance the topic's.</summary>
    public string? Source { get; init; }
}
