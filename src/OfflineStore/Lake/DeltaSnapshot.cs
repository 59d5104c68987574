using System.Text.Json;
using FeatureStore.OfflineStore.Lake.Places;

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
    IReadOnlyDictionary<string, string> Tags)
{
    /// <summary>Rows by the statistics, or null where there are none.</summary>
    public long? Records
    {
        get
        {
            try
            {
                using var stats = JsonDocument.Parse(Stats ?? "{}");
                return stats.RootElement.ValueKind == JsonValueKind.Object && stats.RootElement.TryGetProperty("numRecords", out var rows)
                    && rows.ValueKind == JsonValueKind.Number && rows.TryGetInt64(out var count) ? count : null;
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }
}

/// <summary>A file that a commit took out and that readers of older versions may still open.</summary>
/// <param name="Path">Path relative to the table's folder, decoded.</param>
/// <param name="DeletedMillis">When it was taken out, milliseconds since the epoch; null where its writer did not say.</param>
/// <param name="IsDataChange">False if its rows went on in other files.</param>
public sealed record DeltaTombstone(string Path, long? DeletedMillis, bool IsDataChange);

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
    IReadOnlyDictionary<string, string> Configuration)
{
    /// <summary>What people call the table, or null.</summary>
    public string? Name { get; init; }

    /// <summary>What people say of it, or null.</summary>
    public string? Description { get; init; }

    /// <summary>When it was made, milliseconds since the epoch, or null.</summary>
    public long? CreatedMillis { get; init; }
}

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
    /// <summary>When each application stored its version, milliseconds since the epoch, where it said so.</summary>
    public IReadOnlyDictionary<string, long> TxnMillis { get; init; } = new Dictionary<string, long>();

    /// <summary>Files that are live no more, by decoded path, as far back as the log tells.</summary>
    public IReadOnlyDictionary<string, DeltaTombstone> Tombstones { get; init; } = new Dictionary<string, DeltaTombstone>();

    /// <summary>True if the protocol asks of a writer only what this one does.</summary>
    public bool IsWritable => Protocol.WriterVersion <= 2
        || (Protocol.WriterVersion == 7 && Protocol.WriterFeatures is { } f && f.All(x => x is "appendOnly" or "invariants"));

    /// <summary>What is wrong if a file of this version is no longer there, as after a vacuum or the commit that replaced it; null if all are.</summary>
    internal DeltaException? Vanished(LakePlace root, Exception? cause = null) =>
        root.FirstMissing(Files.Keys.Order(StringComparer.Ordinal)) is { } gone
            ? new DeltaException($"{root} at version {Version} needs {gone}, which is gone: a later version replaced it, or a vacuum took it. Read a later version, or restore the file.", cause)
            : null;

    /// <summary>Refuses a table whose rules this writer does not know.</summary>
    /// <exception cref="DeltaException">The writer version or a writer feature is not one of ours.</exception>
    public void EnsureKnownWriter(string table)
    {
        if (!IsWritable)
        {
            throw new DeltaException(
                $"{table} needs writer version {Protocol.WriterVersion} ({string.Join(", ", Protocol.WriterFeatures ?? [])}); this writer knows version 2. Write to another table.");
        }
    }

    /// <summary>Refuses also a table with rules for its rows, which whoever writes without looking at them cannot keep.</summary>
    /// <exception cref="DeltaException">The writer version is not ours, or a column is NOT NULL or has an invariant.</exception>
    public void EnsureWritable(string table)
    {
        EnsureKnownWriter(table);
        if (DeltaSchema.HasConstraints(Metadata.SchemaString))
        {
            throw new DeltaException($"{table} has columns with invariants or NOT NULL, which this writer does not check. Write to another table.");
        }
    }
}
