using System.Text.Json;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Debezium;

/// <summary>What kind of event an object is, told by its members before any of them is read.</summary>
/// <param name="IsWrapped">A schema and a payload; the payload has a shape of its own.</param>
internal readonly record struct EnvelopeShape(EnvelopeKind Kind, bool IsWrapped)
{
    /// <param name="reader">At the start of the object; a copy, so the caller's stays there.</param>
    public static EnvelopeShape Of(Utf8JsonReader reader, IReadOnlyList<LakeColumn> columns)
    {
        if (StartsAsEnvelope(reader))
        {
            return new EnvelopeShape(EnvelopeKind.Envelope, false);
        }

        var (hasOp, hasImage, hasSchema, hasPayload, hasStatus, hasCollections, hasTime) = (false, false, false, false, false, false, false);
        var (members, known) = (0, 0);
        for (EnvelopeReader.Next(ref reader); reader.TokenType == JsonTokenType.PropertyName; EnvelopeReader.Next(ref reader))
        {
            members++;
            known += Column(in reader, columns) ? 1 : 0;
            hasOp |= reader.ValueTextEquals("op"u8);
            hasStatus |= reader.ValueTextEquals("status"u8);
            hasCollections |= reader.ValueTextEquals("data_collections"u8);
            hasTime |= reader.ValueTextEquals("ts_ms"u8);
            var isImage = reader.ValueTextEquals("before"u8) || reader.ValueTextEquals("after"u8) || reader.ValueTextEquals("source"u8) || reader.ValueTextEquals("message"u8);
            var (isSchema, isPayload) = (reader.ValueTextEquals("schema"u8), reader.ValueTextEquals("payload"u8));
            EnvelopeReader.Next(ref reader);
            var isStruct = reader.TokenType == JsonTokenType.StartObject;
            hasImage |= isImage && isStruct;
            hasSchema |= isSchema && (isStruct || reader.TokenType == JsonTokenType.Null);
            hasPayload |= isPayload && (isStruct || reader.TokenType == JsonTokenType.Null);
            reader.Skip();
        }

        return hasSchema && hasPayload && members == 2 ? new EnvelopeShape(EnvelopeKind.Tombstone, true)
            : hasOp && hasImage ? new EnvelopeShape(EnvelopeKind.Envelope, false)
            : hasStatus && hasCollections ? new EnvelopeShape(EnvelopeKind.Other, false) // A transaction's metadata.
            : known > 0 ? new EnvelopeShape(EnvelopeKind.Flat, false)
            : hasTime && members == 1 ? new EnvelopeShape(EnvelopeKind.Other, false) // A heartbeat.
            : new EnvelopeShape(EnvelopeKind.Envelope, false);
    }

    // What nearly every event is, so that it is not read twice. A row with two columns of these names has values in them.
    private static bool StartsAsEnvelope(Utf8JsonReader reader)
    {
        foreach (var name in (ReadOnlySpan<string>)["before", "after"])
        {
            EnvelopeReader.Next(ref reader);
            if (reader.TokenType != JsonTokenType.PropertyName || !reader.ValueTextEquals(name))
            {
                return false;
            }

            EnvelopeReader.Next(ref reader);
            if (reader.TokenType is not (JsonTokenType.Null or JsonTokenType.StartObject))
            {
                return false;
            }

            if (name == "before")
            {
                reader.Skip();
            }
        }

        return true;
    }

    private static bool Column(in Utf8JsonReader reader, IReadOnlyList<LakeColumn> columns)
    {
        for (var c = 0; c < columns.Count; c++)
        {
            if (reader.ValueTextEquals(columns[c].Name))
            {
                return true;
            }
        }

        return false;
    }
}
