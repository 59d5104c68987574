using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Postgres.Values;

namespace FeatureStore.Ingest.Postgres;

/// <summary>Where a change stands in the source's stream.</summary>
/// <param name="Source">The connector's topic prefix.</param>
/// <param name="PreviousCommitLsn">End of the commit before; null when none is known.</param>
/// <param name="TxId">Null for rows of a snapshot.</param>
internal sealed record ChangePlace(string Source, string Database, long Lsn, long? PreviousCommitLsn, uint? TxId, long CommitMicros);

/// <summary>A value of a row image: its text, null, or not sent.</summary>
internal readonly record struct SourceValue(string? Text, bool IsUnavailable = false);

/// <summary>Writes a change of a table as the event that Debezium sends for it, without <c>schema</c>.</summary>
internal sealed class ChangeEnvelope(PostgresTable table, IReadOnlyList<SourceColumn> columns, TimeProvider time)
{
    private const string Version = "3.7.0.Final";
    private const long MicrosPerMillisecond = 1_000;
    private const long NanosPerMicrosecond = 1_000;
    private static readonly string UnavailableBytes = Convert.ToBase64String(Encoding.UTF8.GetBytes(EnvelopeOptions.UnavailableDefault));
    private static readonly JsonWriterOptions Form = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly Utf8JsonWriter _json = new(Stream.Null, Form);

    /// <summary>The event's value. Of a key image only the key columns have a value, and the others are null.</summary>
    public byte[] Value(string op, SourceValue[]? before, SourceValue[]? after, ChangePlace place) => Write(json =>
    {
        json.WriteStartObject();
        Image(json, "before", before);
        Image(json, "after", after);
        Source(json, op, place);
        json.WriteNull("transaction");
        json.WriteString("op", op);
        var now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        json.WriteNumber("ts_ms", now / MicrosPerMillisecond);
        json.WriteNumber("ts_us", now);
        json.WriteNumber("ts_ns", now * NanosPerMicrosecond);
        json.WriteEndObject();
    });

    /// <summary>The message key: the table's key columns in its order; null if it has none.</summary>
    public byte[]? Key(SourceValue[] image) => table.KeyColumns.Count == 0 ? null : Write(json =>
    {
        json.WriteStartObject();
        for (var i = 0; i < columns.Count; i++)
        {
            if (table.KeyColumns.Contains(columns[i].Name))
            {
                json.WritePropertyName(columns[i].Name);
                Value(json, columns[i], image[i]);
            }
        }

        json.WriteEndObject();
    });

    private byte[] Write(Action<Utf8JsonWriter> write)
    {
        _bytes.ResetWrittenCount();
        _json.Reset(_bytes);
        write(_json);
        _json.Flush();
        return _bytes.WrittenSpan.ToArray();
    }

    private void Image(Utf8JsonWriter json, string name, SourceValue[]? image)
    {
        if (image is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        for (var i = 0; i < columns.Count; i++)
        {
            json.WritePropertyName(columns[i].Name);
            Value(json, columns[i], image[i]);
        }

        json.WriteEndObject();
    }

    private void Value(Utf8JsonWriter json, SourceColumn column, SourceValue value)
    {
        if (value.IsUnavailable)
        {
            json.WriteStringValue(column.TypeId == PgTypes.Bytes ? UnavailableBytes : EnvelopeOptions.UnavailableDefault);
        }
        else if (value.Text is null)
        {
            json.WriteNullValue();
        }
        else
        {
            Write(json, column, value.Text);
        }
    }

    private void Write(Utf8JsonWriter json, SourceColumn column, string text)
    {
        try
        {
            PgValues.Write(json, column, text);
        }
        catch (Exception e) when (PgValues.IsUnsuited(e))
        {
            throw new PostgresSourceException(
                $"Column '{column.Name}' of {table} has a value that is not in the form of its type (OID {column.TypeId}). Capture stands before its transaction; leave the column out of the publication, or make it text at the source.", e);
        }
    }

    private void Source(Utf8JsonWriter json, string op, ChangePlace place)
    {
        json.WriteStartObject("source");
        json.WriteString("version", Version);
        json.WriteString("connector", "postgresql");
        json.WriteString("name", place.Source);
        json.WriteNumber("ts_ms", place.CommitMicros / MicrosPerMillisecond);
        json.WriteString("snapshot", op == "r" ? "true" : "false");
        json.WriteString("db", place.Database);
        var previous = place.PreviousCommitLsn is { } lsn ? string.Create(CultureInfo.InvariantCulture, $"\"{lsn}\"") : "null";
        json.WriteString("sequence", string.Create(CultureInfo.InvariantCulture, $"[{previous},\"{place.Lsn}\"]"));
        json.WriteNumber("ts_us", place.CommitMicros);
        json.WriteNumber("ts_ns", place.CommitMicros * NanosPerMicrosecond);
        json.WriteString("schema", table.Schema);
        json.WriteString("table", table.Name);
        if (place.TxId is { } xid)
        {
            json.WriteNumber("txId", xid);
        }
        else
        {
            json.WriteNull("txId");
        }

        json.WriteNumber("lsn", place.Lsn);
        json.WriteNull("xmin");
        json.WriteNull("origin");
        json.WriteNull("origin_lsn");
        json.WriteEndObject();
    }
}
