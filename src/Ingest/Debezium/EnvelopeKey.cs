using System.Text;
using System.Text.Json;

namespace FeatureStore.Ingest.Debezium;

/// <summary>
/// A message key as the lake keeps it: the key's JSON object without spaces, with one way of escaping. With schemas on it lies under
/// <c>payload</c>; every form of a key gives the same text, so neither switching schemas nor another writer makes new keys.
/// </summary>
internal static class EnvelopeKey
{
    /// <exception cref="EnvelopeException">The key is not a JSON object.</exception>
    public static string Text(byte[] key)
    {
        try
        {
            var reader = new Utf8JsonReader(key);
            if (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            {
                return TryPayload(reader, out var payload) ? Compact(payload) : Compact(reader);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new EnvelopeException("the message key is not JSON");
        }

        throw new EnvelopeException("the message key is not a JSON object");
    }

    // A table may have a key column named payload: only schema and payload together are the enclosing form.
    private static bool TryPayload(Utf8JsonReader reader, out Utf8JsonReader payload)
    {
        payload = default;
        var (hasSchema, hasPayload) = (false, false);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isPayload = reader.ValueTextEquals("payload");
            hasSchema |= reader.ValueTextEquals("schema");
            reader.Read();
            if (isPayload && reader.TokenType == JsonTokenType.StartObject)
            {
                payload = reader;
                hasPayload = true;
            }

            reader.Skip();
        }

        return hasSchema && hasPayload;
    }

    private static string Compact(Utf8JsonReader reader)
    {
        using var bytes = new MemoryStream();
        using var json = new Utf8JsonWriter(bytes);
        do
        {
            Copy(ref reader, json);
        }
        while (json.CurrentDepth > 0 && reader.Read());
        json.Flush();
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    private static void Copy(ref Utf8JsonReader reader, Utf8JsonWriter json)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                json.WriteStartObject();
                break;
            case JsonTokenType.EndObject:
                json.WriteEndObject();
                break;
            case JsonTokenType.StartArray:
                json.WriteStartArray();
                break;
            case JsonTokenType.EndArray:
                json.WriteEndArray();
                break;
            case JsonTokenType.PropertyName:
                json.WritePropertyName(reader.GetString()!);
                break;
            case JsonTokenType.String:
                json.WriteStringValue(reader.GetString());
                break;
            default:
                json.WriteRawValue(reader.ValueSpan);
                break;
        }
    }
}
