namespace FeatureStore.Ingest.Debezium;

/// <summary>What was found in one event so far.</summary>
internal sealed class EnvelopeParts
{
    public bool IsTombstone { get; set; }

    public string? Op { get; set; }

    /// <summary>The column times that the event's schema tells; null when it comes without one.</summary>
    public IReadOnlyDictionary<string, TimeKind>? Times { get; set; }

    public EnvelopeSource Source { get; set; }

    public object?[]? Before { get; set; }

    public object?[]? After { get; set; }

    /// <summary>A column of the after image whose number is no likely time in the unit that it is taken for, and whose unit no schema told.</summary>
    public string? DoubtfulTime { get; set; }

    /// <summary>Names of columns whose value the after image does not carry.</summary>
    public List<string> Unavailable { get; } = [];
}
