using System.Text.Json;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Debezium;

/// <summary>
/// Reads Debezium's change events for one table, with or without <c>schema</c>, straight from UTF-8. Whatever the bytes
/// are, the answer is a row, nothing, or a fault with its place; it never throws for input.
/// </summary>
public sealed class EnvelopeReader(IReadOnlyList<LakeColumn> columns)
{
    private const string Unavailable = "__debezium_unavailable_value";
    private const long MicrosPerMillisecond = 1_000;

    private readonly Dictionary<string, int> _columns = columns.Select((c, i) => (c.Name, i)).ToDictionary(c => c.Name, c => c.i);

    /// <summary>Reads one message.</summary>
    public EnvelopeResult Read(LogMessage message)
    {
        if (message.Value is null)
        {
            return default;
        }

        var reader = new Utf8JsonReader(message.Value);
        try
        {
            var parts = new Parts();
            Next(ref reader);
            ReadEnvelope(ref reader, parts);
            if (reader.Read())
            {
                throw new EnvelopeException("there is text after the event");
            }

            // With schemas on, a tombstone may be an object around nothing.
            return parts.IsTombstone ? default : new EnvelopeResult(ToRow(parts, message), null);
        }
        catch (JsonException e)
        {
            return new EnvelopeResult(null, new EnvelopeFault(Position(message.Value, e), "not JSON"));
        }
        catch (Exception e) when (e is EnvelopeException or InvalidOperationException or FormatException)
        {
            return new EnvelopeResult(null, new EnvelopeFault(reader.TokenStartIndex, e.Message));
        }
    }

    // The exception counts lines and bytes in the line; a place in the value is one number.
    private static long Position(ReadOnlySpan<byte> value, JsonException e)
    {
        var start = 0;
        for (var line = e.LineNumber ?? 0; line > 0; line--)
        {
            start += value[start..].IndexOf((byte)'\n') + 1;
        }

        return Math.Min(start + (e.BytePositionInLine ?? 0), value.Length);
    }

    private static void Next(ref Utf8JsonReader reader)
    {
        if (!reader.Read())
        {
            throw new EnvelopeException("the event ends too early");
        }
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (reader.TokenType != type)
        {
            throw new EnvelopeException($"{what} is not a JSON {type}, but {reader.TokenType}");
        }
    }

    private static ChangeRow? ToRow(Parts parts, LogMessage message)
    {
        if (parts.Op is not ("c" or "u" or "d" or "r" or "t"))
        {
            // Logical decoding messages (op m) carry no row.
            return parts.Op == "m" ? null : throw new EnvelopeException($"op '{parts.Op}' is none of c, u, d, r, t");
        }

        var image = parts.Op == "d" ? parts.Before : parts.After;
        if (image is null && parts.Op is not ("d" or "t"))
        {
            throw new EnvelopeException($"op '{parts.Op}' comes without an after image");
        }

        if (message.Key is null && parts.Op != "t")
        {
            throw new EnvelopeException("the message has no key");
        }

        return new ChangeRow(
            parts.Op,
            parts.Name ?? throw new EnvelopeException("source.name is missing"),
            parts.Lsn ?? throw new EnvelopeException("source.lsn is missing or null (rows of an incremental snapshot cannot be landed yet; use a blocking one)"),
            message.CreateHalf ? 1 : 0,
            message.Key is null ? null : EnvelopeKey.Text(message.Key),
            parts.CommitMicros ?? throw new EnvelopeException("source.ts_us and source.ts_ms are missing"),
            parts.Unavailable,
            image ?? new object?[parts.Width]);
    }

    private void ReadEnvelope(ref Utf8JsonReader reader, Parts parts)
    {
        Expect(ref reader, JsonTokenType.StartObject, "the event");
        parts.Width = columns.Count;
        for (Next(ref reader); reader.TokenType != JsonTokenType.EndObject; Next(ref reader))
        {
            var name = reader.GetString();
            Next(ref reader);
            switch (name)
            {
                case "payload" when reader.TokenType == JsonTokenType.Null:
                    parts.IsTombstone = true;
                    break;
                case "payload":
                    ReadEnvelope(ref reader, parts);
                    break;
                case "before":
                    parts.Before = ReadImage(ref reader, null);
                    break;
                case "after":
                    parts.After = ReadImage(ref reader, parts.Unavailable);
                    break;
                case "source":
                    ReadSource(ref reader, parts);
                    break;
                case "op":
                    parts.Op = reader.GetString();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    private static void ReadSource(ref Utf8JsonReader reader, Parts parts)
    {
        Expect(ref reader, JsonTokenType.StartObject, "source");
        long? millis = null;
        for (Next(ref reader); reader.TokenType != JsonTokenType.EndObject; Next(ref reader))
        {
            var name = reader.GetString();
            Next(ref reader);
            if (name == "name")
            {
                parts.Name = reader.GetString();
            }
            else if (name is "lsn" or "ts_us" or "ts_ms" && reader.TokenType == JsonTokenType.Number)
            {
                var number = reader.GetInt64();
                (parts.Lsn, parts.CommitMicros, millis) = name switch
                {
                    "lsn" => (number, parts.CommitMicros, millis),
                    "ts_us" => (parts.Lsn, number, millis),
                    _ => (parts.Lsn, parts.CommitMicros, (long?)number),
                };
            }
            else
            {
                reader.Skip();
            }
        }

        parts.CommitMicros ??= millis * MicrosPerMillisecond;
    }

    private object?[]? ReadImage(ref Utf8JsonReader reader, List<string>? unavailable)
    {
        if (reader.TokenType == JsonTokenType.Null)
        {
            return null;
        }

        Expect(ref reader, JsonTokenType.StartObject, "a row image");
        var values = new object?[columns.Count];
        for (Next(ref reader); reader.TokenType != JsonTokenType.EndObject; Next(ref reader))
        {
            var name = reader.GetString()!;
            Next(ref reader);
            if (!_columns.TryGetValue(name, out var column))
            {
                reader.Skip();
            }
            else if (reader.TokenType == JsonTokenType.String && reader.ValueTextEquals(Unavailable))
            {
                unavailable?.Add(name);
            }
            else
            {
                values[column] = EnvelopeValues.Read(ref reader, columns[column]);
            }
        }

        return values;
    }

    private sealed class Parts
    {
        public int Width { get; set; }

        public bool IsTombstone { get; set; }

        public string? Op { get; set; }

        public string? Name { get; set; }

        public long? Lsn { get; set; }

        public long? CommitMicros { get; set; }

        public object?[]? Before { get; set; }

        public object?[]? After { get; set; }

        public List<string> Unavailable { get; } = [];
    }
}
