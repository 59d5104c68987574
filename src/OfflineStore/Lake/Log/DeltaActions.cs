using System.Text.Json.Nodes;

namespace FeatureStore.OfflineStore.Lake.Log;

/// <summary>The bodies of Delta's actions, as commits and checkpoints hold them.</summary>
internal static class DeltaActions
{
    public static JsonObject Protocol(DeltaProtocol protocol)
    {
        var body = new JsonObject { ["minReaderVersion"] = protocol.ReaderVersion, ["minWriterVersion"] = protocol.WriterVersion };
        if (protocol.ReaderFeatures is { } reader)
        {
            body["readerFeatures"] = List(reader);
        }

        if (protocol.WriterFeatures is { } writer)
        {
            body["writerFeatures"] = List(writer);
        }

        return body;
    }

    public static JsonObject Metadata(DeltaMetadata metadata)
    {
        var body = new JsonObject { ["id"] = metadata.Id };
        Put(body, "name", metadata.Name);
        Put(body, "description", metadata.Description);
        body["format"] = new JsonObject { ["provider"] = "parquet", ["options"] = new JsonObject() };
        body["schemaString"] = metadata.SchemaString;
        body["partitionColumns"] = List(metadata.PartitionColumns);
        body["configuration"] = Map(metadata.Configuration);
        if (metadata.CreatedMillis is { } created)
        {
            body["createdTime"] = created;
        }

        return body;
    }

    public static JsonObject Txn(string appId, long version, long? millis)
    {
        var body = new JsonObject { ["appId"] = appId, ["version"] = version };
        if (millis is { } updated)
        {
            body["lastUpdated"] = updated;
        }

        return body;
    }

    public static JsonObject Add(DeltaFile file, bool isDataChange)
    {
        var body = new JsonObject
        {
            ["path"] = EncodePath(file.Path),
            ["partitionValues"] = Map(file.PartitionValues),
            ["size"] = file.Size,
            ["modificationTime"] = file.ModifiedMillis,
            ["dataChange"] = isDataChange,
        };
        Put(body, "stats", file.Stats);
        if (file.Tags.Count > 0)
        {
            body["tags"] = Map(file.Tags);
        }

        return body;
    }

    public static JsonObject Remove(DeltaFile file, bool isDataChange, long deletedMillis) => new()
    {
        ["path"] = EncodePath(file.Path),
        ["deletionTimestamp"] = deletedMillis,
        ["dataChange"] = isDataChange,
        ["extendedFileMetadata"] = true,
        ["partitionValues"] = Map(file.PartitionValues),
        ["size"] = file.Size,
    };

    public static JsonObject Remove(DeltaTombstone tombstone)
    {
        var body = new JsonObject { ["path"] = EncodePath(tombstone.Path), ["dataChange"] = tombstone.IsDataChange };
        if (tombstone.DeletedMillis is { } deleted)
        {
            body["deletionTimestamp"] = deleted;
        }

        return body;
    }

    /// <summary>Percent-encodes what a URI reference must not hold; the slash and the equals sign of folders stay.</summary>
    public static string EncodePath(string path) =>
        Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal).Replace("%3D", "=", StringComparison.Ordinal);

    private static JsonArray List(IEnumerable<string> texts) => new([.. texts.Select(t => JsonValue.Create(t))]);

    private static void Put(JsonObject body, string name, string? text)
    {
        if (text is not null)
        {
            body[name] = text;
        }
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
}
