using System.Buffers;
using System.Text;
using System.Text.Json;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Debezium;

/// <summary>
/// A message key as the lake keeps it: the key's JSON object without spaces, with one way of escaping. With schemas on it lies under
/// <c>payload</c>; every form of a key gives the same text, so neither switching schemas nor another writer makes new keys.
/// </summary>
internal static class EnvelopeKey
{
    // Of these a key that is written anew gives the same bytes again: no spaces, and nothing that needs an escape.
    private static readonly SearchValues<byte> Plain = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:,{}[]\""u8);

    /// <exception cref="EnvelopeException">The key is not a JSON object.</exception>
    public static string Text(byte[] key)
    {
        try
        {
            var reader = new Utf8JsonReader(key);
            if (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            {
                if (TryPayload(reader, out var payload))
                {
                    return Compact(ref payload);
                }

                var whole = reader;
                whole.Skip();
                return whole.BytesConsumed == key.Length && !key.AsSpan().ContainsAnyExcept(Plain) ? Encoding.UTF8.GetString(key) : Compact(ref reader);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new EnvelopeException("the message key is not JSON");
        }

        throw new EnvelopeException("the message key is not a JSON object");
    }

    /// <summary>True if the message key has just these columns, and a value for each.</summary>
    public static bool HasColumns(byte[] key, IReadOnlyList<string> columns)
    {
        try
        {
            var reader = new Utf8JsonReader(key);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            if (TryPayload(reader, out var payload))
            {
                reader = payload;
            }

            var count = 0;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                reader.Read();
                if (reader.TokenType == JsonTokenType.Null || !columns.Contains(name))
                {
                    return false;
                }

                count++;
                reader.Skip();
            }

            return count == columns.Count;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>The key that a row's own columns make.</summary>
    /// <param name="image">UTF-8 from the start of the row's JSON object on.</param>
    /// <exception cref="EnvelopeException">The row has no value for one of them.</exception>
    public static string OfImage(ReadOnlySpan<byte> image, IReadOnlyList<string> columns) =>
        Columns(image, columns, name => throw new EnvelopeException($"the row image has no value for key column '{name}'"));

    /// <summary>What a row without a key is known by: all its columns that have a value.</summary>
    public static string OfValues(ReadOnlySpan<byte> image, IReadOnlyList<string> columns) =>
        $"{ChangeColumns.RowKeyPrefix}{Columns(image, columns, _ => { })}}}";

    private static string Columns(ReadOnlySpan<byte> image, IReadOnlyList<string> columns, Action<string> missing)
    {
        using var bytes = new MemoryStream();
        using var json = new Utf8JsonWriter(bytes);
        json.WriteStartObject();
        foreach (var column in columns)
        {
            var reader = new Utf8JsonReader(image);
            if (TryMember(ref reader, column))
            {
                json.WritePropertyName(column);
                Copy(ref reader, json);
            }
            else
            {
                missing(column);
            }
        }

        json.WriteEndObject();
        json.Flush();
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    private static bool TryMember(ref Utf8JsonReader reader, string name)
    {
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isWanted = reader.ValueTextEquals(name);
            reader.Read();
            if (isWanted)
            {
                return reader.TokenType != JsonTokenType.Null;
            }

            reader.Skip();
        }

        return false;
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

    /// <summary>The JSON value that the reader is at, without spaces and with one way of escaping; the reader goes to its end.</summary>
    public static string Compact(ref Utf8JsonReader reader)
    {
        using var bytes = new MemoryStream();
        using var json = new Utf8JsonWriter(bytes);
        Copy(ref reader, json);
        json.Flush();
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    private static void Copy(ref Utf8JsonReader reader, Utf8JsonWriter json)
    {
        var depth = reader.CurrentDepth;
        CopyToken(ref reader, json);
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
        {
            return;
        }

        do
        {
            EnvelopeReader.Next(ref reader);
            CopyToken(ref reader, json);
        }
        while (reader.CurrentDepth > depth);
    }

    private static void CopyToken(ref Utf8JsonReader reader, Utf8JsonWriter json)
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
