using System.Text.Json;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Debezium;

/// <summary>
/// Reads Debezium's change events for one table, with or without <c>schema</c>, straight from UTF-8. Whatever the bytes
/// are, the answer is a row, nothing, or a fault with its place; it never throws for input.
/// </summary>
/// <param name="columns">The row's own columns.</param>
/// <param name="times">What numbers of time columns mean in events without a schema, which tells it better; microseconds when not named.</param>
public sealed class EnvelopeReader(IReadOnlyList<LakeColumn> columns, IReadOnlyDictionary<string, TimeKind>? times = null)
{
    private const string Unavailable = "__debezium_unavailable_value";

    // Before any change at the same position, and after the changes of earlier ones.
    private const int SnapshotPart = -1;

    private readonly EnvelopeSchema _schema = new();
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
            var parts = new EnvelopeParts();
            Next(ref reader);
            ReadEnvelope(ref reader, parts, message.Value);
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

    private ChangeRow? ToRow(EnvelopeParts parts, LogMessage message)
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

        var source = parts.Source;
        if (parts.DoubtfulTime is { } column && parts.Op != "d" && source.Connector != EnvelopeSource.OwnConnector)
        {
            throw new EnvelopeException(
                $"column '{column}' is a time near 1970 if its number counts {TimeKinds.Unit(KindOf(parts, column))}, and the event has no schema to tell; send schemas, or declare the unit under fstore.ingest.time_units");
        }

        return new ChangeRow(
            parts.Op,
            source.Name ?? throw new EnvelopeException("source.name is missing"),
            source.Lsn ?? SnapshotLsn(parts),
            source.Lsn is null ? SnapshotPart : message.CreateHalf ? 1 : 0,
            message.Key is null ? null : EnvelopeKey.Text(message.Key),
            source.CommitMicros ?? throw new EnvelopeException("source.ts_us and source.ts_ms are missing"),
            parts.Unavailable,
            image ?? new object?[columns.Count]);
    }

    // A row of an incremental snapshot has no position. Debezium leaves it out when a change of its key was streamed in the snapshot's window, so it
    // belongs before whatever follows the last commit streamed; ranked there, it can never undo a change that it did not see.
    private static long SnapshotLsn(EnvelopeParts parts) => parts.Op == "r" && parts.Source.PreviousCommitLsn is { } lsn
        ? lsn
        : throw new EnvelopeException("source.lsn is missing or null, and the event is no incremental snapshot's row with a source.sequence; use a blocking snapshot");

    private TimeKind KindOf(EnvelopeParts parts, string column) => parts.Times is { } told && told.TryGetValue(column, out var kind)
        ? kind
        : times?.GetValueOrDefault(column) ?? TimeKind.Unknown;

    private void ReadEnvelope(ref Utf8JsonReader reader, EnvelopeParts parts, byte[] value)
    {
        Expect(ref reader, JsonTokenType.StartObject, "the event");
        parts.Times ??= SchemaOf(reader, value);
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
                    ReadEnvelope(ref reader, parts, value);
                    break;
                case "before":
                    parts.Before = ReadImage(ref reader, parts, null);
                    break;
                case "after":
                    parts.After = ReadImage(ref reader, parts, parts.Unavailable);
                    break;
                case "source":
                    Expect(ref reader, JsonTokenType.StartObject, "source");
                    parts.Source = EnvelopeSource.Read(ref reader);
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

    // The enclosing form has a schema and a payload, in either order; the images of the payload need the schema first.
    private IReadOnlyDictionary<string, TimeKind>? SchemaOf(Utf8JsonReader reader, byte[] value)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("schema"))
            {
                Next(ref reader);
                return _schema.Read(ref reader, value);
            }

            if (!reader.ValueTextEquals("payload"))
            {
                return null;
            }

            reader.Read();
            reader.Skip();
        }

        return null;
    }

    private object?[]? ReadImage(ref Utf8JsonReader reader, EnvelopeParts parts, List<string>? unavailable)
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
                var isNumber = reader.TokenType == JsonTokenType.Number;
                values[column] = EnvelopeValues.Read(ref reader, columns[column], KindOf(parts, name));
                if (isNumber && columns[column].Type == LakeType.Timestamp && unavailable is not null
                    && !TimeKinds.IsPlausible((long)values[column]!) && parts.Times?.ContainsKey(name) != true)
                {
                    parts.DoubtfulTime = name;
                }
            }
        }

        return values;
    }
}
