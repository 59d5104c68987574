using System.Text.Json;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Debezium;

/// <summary>
/// Reads Debezium's change events for one table, whole or flattened, with or without <c>schema</c>, straight from UTF-8. Whatever the bytes are, the
/// answer is a row, nothing, or a fault with its place; it never throws for input. An instance reads one topic in its order.
/// </summary>
/// <param name="columns">The row's own columns.</param>
/// <param name="options">What the events do not tell; the defaults when null.</param>
public sealed class EnvelopeReader(IReadOnlyList<LakeColumn> columns, EnvelopeOptions? options = null)
{
    private readonly EnvelopeSchema _schema = new();
    private readonly RowReader _rows = new(columns, options ?? EnvelopeOptions.Default);
    private readonly RowIdentity _identity = new(columns, options ?? EnvelopeOptions.Default);
    private readonly RepeatedText _sourceName = new();

    /// <summary>Reads one message.</summary>
    /// <param name="sentMillis">When the message was sent, milliseconds since the epoch; the commit time of flattened rows without one.</param>
    public EnvelopeResult Read(LogMessage message, long? sentMillis = null)
    {
        var parts = new EnvelopeParts { Kind = EnvelopeKind.Tombstone };
        var value = message.Value;
        var reader = new Utf8JsonReader(value);
        try
        {
            if (value is not null)
            {
                Next(ref reader);
                ReadEvent(ref reader, parts, value);
                if (reader.Read())
                {
                    throw new EnvelopeException("there is text after the event");
                }
            }

            return _identity.ToResult(parts, message, sentMillis);
        }
        catch (JsonException e)
        {
            var reason = e.Message.Contains("depth", StringComparison.OrdinalIgnoreCase) ? "nested too deep" : "not JSON";
            return new EnvelopeResult(null, new EnvelopeFault(Position(value, e), reason, parts.Path));
        }
        catch (EnvelopeException e)
        {
            return new EnvelopeResult(null, new EnvelopeFault(reader.TokenStartIndex, e.Message, parts.Path));
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException)
        {
            // The library's words name no column; what it read has another type, does not fit, or is no UTF-8.
            return new EnvelopeResult(null, new EnvelopeFault(reader.TokenStartIndex, $"the value at {parts.Path} has another type, does not fit, or is no UTF-8", parts.Path));
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

    internal static void Next(ref Utf8JsonReader reader)
    {
        if (!reader.Read())
        {
            throw new EnvelopeException("the event ends too early");
        }
    }

    internal static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (reader.TokenType != type)
        {
            throw new EnvelopeException($"{what} is not a JSON {type}, but {reader.TokenType}");
        }
    }

    private void ReadEvent(ref Utf8JsonReader reader, EnvelopeParts parts, byte[] value)
    {
        Expect(ref reader, JsonTokenType.StartObject, "the event");
        var shape = EnvelopeShape.Of(reader, columns);
        if (shape.IsWrapped)
        {
            if (parts.IsWrapped)
            {
                throw new EnvelopeException("there is a payload within the payload");
            }

            ReadWrapped(ref reader, parts, value);
            return;
        }

        parts.Kind = shape.Kind;
        switch (shape.Kind)
        {
            case EnvelopeKind.Envelope:
                ReadEnvelope(ref reader, parts);
                break;
            case EnvelopeKind.Flat:
                parts.After = _rows.Read(ref reader, parts, isFlat: true);
                break;
            default:
                reader.Skip();
                break;
        }
    }

    // The enclosing form has a schema and a payload, in either order; the payload needs the schema first.
    private void ReadWrapped(ref Utf8JsonReader reader, EnvelopeParts parts, byte[] value)
    {
        parts.Schema = SchemaOf(reader, value);
        for (Next(ref reader); reader.TokenType != JsonTokenType.EndObject; Next(ref reader))
        {
            var isPayload = reader.ValueTextEquals("payload"u8);
            Next(ref reader);
            if (isPayload && reader.TokenType != JsonTokenType.Null)
            {
                parts.IsWrapped = true;
                ReadEvent(ref reader, parts, value);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private SchemaForms SchemaOf(Utf8JsonReader reader, byte[] value)
    {
        for (Next(ref reader); reader.TokenType == JsonTokenType.PropertyName; Next(ref reader))
        {
            var isSchema = reader.ValueTextEquals("schema"u8);
            Next(ref reader);
            if (isSchema)
            {
                return _schema.Read(ref reader, value);
            }

            reader.Skip();
        }

        return SchemaForms.None;
    }

    private void ReadEnvelope(ref Utf8JsonReader reader, EnvelopeParts parts)
    {
        for (Next(ref reader); reader.TokenType != JsonTokenType.EndObject; Next(ref reader))
        {
            var (isBefore, isAfter) = (reader.ValueTextEquals("before"u8), reader.ValueTextEquals("after"u8));
            var (isSource, isOp) = (reader.ValueTextEquals("source"u8), reader.ValueTextEquals("op"u8));
            Next(ref reader);
            (parts.Section, parts.Member) = (isBefore ? "before" : isAfter ? "after" : isSource ? "source" : isOp ? "op" : null, null);
            if (isBefore)
            {
                parts.Before = _rows.ReadOrNull(ref reader, parts, isAfter: false);
            }
            else if (isAfter)
            {
                parts.After = _rows.ReadOrNull(ref reader, parts, isAfter: true);
            }
            else if (isSource)
            {
                Expect(ref reader, JsonTokenType.StartObject, "source");
                parts.Source = EnvelopeSource.Read(ref reader, _sourceName);
            }
            else if (isOp)
            {
                parts.Op = RowIdentity.Op(in reader);
            }
            else
            {
                reader.Skip();
            }
        }

        parts.Section = null;
    }
}
