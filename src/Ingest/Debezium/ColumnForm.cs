namespace FeatureStore.Ingest.Debezium;

/// <summary>How a column's values are written in an event.</summary>
/// <param name="Time">What a time's number or text means.</param>
/// <param name="Scale">Digits after the point of a number that comes as bytes; null if it does not, or nothing tells.</param>
/// <param name="IsText">True if a schema says that the value is text, so that digits in it are a number as it is read.</param>
internal readonly record struct ColumnForm(TimeKind Time, int? Scale = null, bool IsText = false);

/// <summary>What an event's schema tells of its columns: those of its row images, and those at its top, where a flattened row has them.</summary>
internal sealed record SchemaForms(IReadOnlyDictionary<string, ColumnForm> Image, IReadOnlyDictionary<string, ColumnForm> Top)
{
    public static SchemaForms None { get; } = new(new Dictionary<string, ColumnForm>(), new Dictionary<string, ColumnForm>());
}
