using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>What one commit says; a part that is null or empty is left out.</summary>
/// <param name="Remove">Live files that this commit takes out; never a path that <paramref name="Add"/> holds.</param>
public sealed record DeltaCommit(
    DeltaProtocol? Protocol,
    DeltaMetadata? Metadata,
    LakeTxn? Txn,
    IReadOnlyList<DeltaFile> Add,
    IReadOnlyList<DeltaFile> Remove)
{
    // Other engines need no HTML escapes, and paths stay readable.
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The commit's text: one object a line, no blank line.</summary>
    internal string Write()
    {
        var text = new StringBuilder();
        if (Protocol is { } protocol)
        {
            Line(text, "protocol", new JsonObject
            {
                ["minReaderVersion"] = protocol.ReaderVersion,
                ["minWriterVersion"] = protocol.WriterVersion,
            });
        }

        if (Metadata is { } metadata)
        {
            Line(text, "metaData", new JsonObject
            {
                ["id"] = metadata.Id,
                ["format"] = new JsonObject { ["provider"] = "parquet", ["options"] = new JsonObject() },
                ["schemaString"] = metadata.SchemaString,
                ["partitionColumns"] = new JsonArray([.. metadata.PartitionColumns.Select(c => JsonValue.Create(c))]),
                ["configuration"] = Map(metadata.Configuration),
            });
        }

        if (Txn is { } txn)
        {
            Line(text, "txn", new JsonObject { ["appId"] = txn.AppId, ["version"] = txn.Version });
        }

        foreach (var file in Remove)
        {
            Line(text, "remove", new JsonObject
            {
                ["path"] = EncodePath(file.Path),
                ["deletionTimestamp"] = file.ModifiedMillis,
                ["dataChange"] = true,
                ["extendedFileMetadata"] = true,
                ["partitionValues"] = Map(file.PartitionValues),
                ["size"] = file.Size,
            });
        }

        foreach (var file in Add)
        {
            Line(text, "add", AddBody(file));
        }

        return text.ToString();
    }

    /// <summary>Percent-encodes what a URI reference must not hold; the slash and the equals sign of folders stay.</summary>
    internal static string EncodePath(string path) =>
        Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal).Replace("%3D", "=", StringComparison.Ordinal);

    private static JsonObject AddBody(DeltaFile file)
    {
        var add = new JsonObject
        {
            ["path"] = EncodePath(file.Path),
            ["partitionValues"] = Map(file.PartitionValues),
            ["size"] = file.Size,
            ["modificationTime"] = file.ModifiedMillis,
            ["dataChange"] = true,
        };
        if (file.Stats is { } stats)
        {
            add["stats"] = stats;
        }

        if (file.Tags.Count > 0)
        {
            add["tags"] = Map(file.Tags);
        }

        return add;
    }

    private static JsonObject Map<T>(IReadOnlyDictionary<string, T> values)
        where T : class?
    {
        var map = new JsonObject();
        foreach (var (name, value) in values)
        {
            map[name] = value is string text ? JsonValue.Create(text) : null;
        }

        return map;
    }

    private static void Line(StringBuilder text, string action, JsonObject body) =>
        text.Append(new JsonObject { [action] = body }.ToJsonString(Plain)).Append('\n');
}
