namespace FeatureStore.Ingest.Debezium;

/// <summary>What a message turned out to be.</summary>
internal enum EnvelopeKind
{
    /// <summary>Debezium's envelope with <c>before</c>, <c>after</c> and <c>source</c>.</summary>
    Envelope,

    /// <summary>A bare row, as the SMT <c>ExtractNewRecordState</c> leaves it.</summary>
    Flat,

    /// <summary>An enclosing object around nothing.</summary>
    Tombstone,

    /// <summary>A heartbeat, a transaction's metadata or the like: no row.</summary>
    Other,
}

/// <summary>A row image: its values, and where its JSON object begins in the message.</summary>
internal sealed record RowImage(object?[] Values, int Start);

/// <summary>What was found in one event so far.</summary>
internal sealed class EnvelopeParts
{
    public EnvelopeKind Kind { get; set; }

    public string? Op { get; set; }

    /// <summary>What the event's schema tells of its columns; null when it comes without one.</summary>
    public SchemaForms? Schema { get; set; }

    public EnvelopeSource Source { get; set; }

    public RowImage? Before { get; set; }

    public RowImage? After { get; set; }

    /// <summary>The mark <c>__deleted</c> of a flattened row; null when it has none.</summary>
    public bool? IsDeleted { get; set; }

    /// <summary>A column of the after image whose number is no likely time in the unit that it is taken for, and whose unit no schema told.</summary>
    public string? DoubtfulTime { get; set; }

    /// <summary>Names of columns whose value the after image does not carry.</summary>
    public List<string> Unavailable { get; } = [];

    /// <summary>The part of the event that is being read, for a fault's place.</summary>
    public string? Section { get; set; }

    /// <summary>The member of that part.</summary>
    public string? Member { get; set; }

    public bool IsWrapped { get; set; }

    /// <summary>The place as a path in the message's JSON.</summary>
    public string Path => string.Join('.', new[] { IsWrapped ? "payload" : null, Section, Member }.Where(p => p is not null).Prepend("$"));
}
