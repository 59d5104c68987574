namespace FeatureStore.OfflineStore.Lake;

/// <summary>The table's log or files cannot be read or written as asked; the message names the file, the line and the way out.</summary>
public sealed class DeltaException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>A data file of a table.</summary>
/// <param name="Path">Path relative to the table's folder, decoded.</param>
/// <param name="PartitionValues">Partition column to its text; null is a null value.</param>
/// <param name="Size">Exact length, bytes.</param>
/// <param name="ModifiedMillis">Last change of the file, milliseconds since the epoch.</param>
/// <param name="Stats">Statistics as JSON text, or null where unknown.</param>
/// <param name="Tags">The writer's own marks.</param>
public sealed record DeltaFile(
    string Path,
    IReadOnlyDictionary<string, string?> PartitionValues,
    long Size,
    long ModifiedMillis,
    string? Stats,
    IReadOnlyDictionary<string, string> Tags);

/// <summary>What a version of a table's log says in force; features are null where the protocol lists none.</summary>
public sealed record DeltaProtocol(
    int ReaderVersion, int WriterVersion, IReadOnlyList<string>? ReaderFeatures, IReadOnlyList<string>? WriterFeatures)
{
    /// <summary>What this writer gives new tables.</summary>
    public static DeltaProtocol Plain { get; } = new(1, 2, null, null);
}

/// <summary>A table's schema, partitioning and settings.</summary>
/// <param name="Id">Identity of the table, kept when the schema changes.</param>
/// <param name="SchemaString">Delta's schema as JSON text.</param>
public sealed record DeltaMetadata(
    string Id,
    string SchemaString,
    IReadOnlyList<string> PartitionColumns,
    IReadOnlyDictionary<string, string> Configuration);

/// <summary>A table at one version: replayed from the log, immutable.</summary>
/// <param name="Files">Live files by decoded path.</param>
/// <param name="Txn">Last version each application stored.</param>
public sealed record DeltaSnapshot(
    long Version,
    DeltaProtocol Protocol,
    DeltaMetadata Metadata,
    IReadOnlyDictionary<string, DeltaFile> Files,
    IReadOnlyDictionary<string, long> Txn)
{
    /// <summary>Refuses a table whose rules this writer does not know.</summary>
    /// <exception cref="DeltaException">The writer version or a writer feature is not one of ours.</exception>
    public void EnsureWritable(string table)
    {
        var writable = Protocol.WriterVersion <= 2
            || (Protocol.WriterVersion == 7 && Protocol.WriterFeatures is { } f
                && f.All(x => x is "appendOnly" or "invariants"));
        if (!writable)
        {
            throw new DeltaException(
                $"{table} needs writer version {Protocol.WriterVersion} ({string.Join(", ", Protocol.WriterFeatures ?? [])}); this writer knows version 2. Write to another table.");
        }

        if (DeltaSchema.HasConstraints(Metadata.SchemaString))
        {
            throw new DeltaException($"{table} has columns with invariants or NOT NULL, which this writer does not check. Write to another table.");
        }
    }
}
