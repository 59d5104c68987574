using System.Text.Json;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Debezium;

/// <summary>
/// Gives what was read from a message its identity: source, LSN, key and part. Rows without a key are known by their values and by how many there were
/// before at the same LSN, which is counted here, in the order of the topic.
/// </summary>
internal sealed class RowIdentity(IReadOnlyList<LakeColumn> columns, EnvelopeOptions options)
{
    private const long MicrosPerMillisecond = 1_000;
    private const int ShownOpMax = 8;
    private readonly string[] _names = [.. columns.Select(c => c.Name)];

    private bool _tombstoneDeletes;
    private long _keylessLsn = -1;
    private int _keylessOrdinal;

    /// <summary>The op that the reader is at; the usual ones make no text.</summary>
    public static string? Op(in Utf8JsonReader reader) => reader.TokenType != JsonTokenType.String || reader.ValueSpan.Length != 1 ? reader.GetString()
        : reader.ValueSpan[0] switch
        {
            (byte)'c' => "c",
            (byte)'u' => "u",
            (byte)'d' => "d",
            (byte)'r' => "r",
            (byte)'t' => "t",
            _ => reader.GetString(),
        };

    /// <exception cref="EnvelopeException">The message is no event of this table.</exception>
    public EnvelopeResult ToResult(EnvelopeParts parts, LogMessage message, long? sentMillis)
    {
        switch (parts.Kind)
        {
            case EnvelopeKind.Other:
                return default;
            case EnvelopeKind.Tombstone:
                return Tombstone(parts, message, sentMillis);
            case EnvelopeKind.Flat:
                Unflatten(parts, message, sentMillis);
                break;
            default:
                _tombstoneDeletes = false;
                break;
        }

        if (parts.Op is not ("c" or "u" or "d" or "r" or "t"))
        {
            // Logical decoding messages (op m) carry no row.
            return parts.Op == "m" ? default
                : throw new EnvelopeException(parts.Op is null ? "op is missing" : $"op '{(parts.Op.Length > ShownOpMax ? parts.Op[..ShownOpMax] + "…" : parts.Op)}' is none of c, u, d, r, t");
        }

        return Row(parts, message);
    }

    private EnvelopeResult Row(EnvelopeParts parts, LogMessage message)
    {
        var op = parts.Op!;
        var image = op == "d" ? parts.Before : parts.After;
        if (image is null && op is not ("d" or "t"))
        {
            throw new EnvelopeException($"op '{op}' comes without an after image");
        }

        EnsureTimes(parts);
        var source = parts.Source;
        var name = source.Name ?? options.Source ?? throw new EnvelopeException("source.name is missing");
        var lsn = source.Lsn ?? SnapshotLsn(parts);
        var known = source.CommitMicros ?? throw new EnvelopeException("source.ts_us and source.ts_ms are missing");
        if (lsn < 0 || known is < TimeKinds.LeastMicros or > TimeKinds.GreatestMicros)
        {
            throw new EnvelopeException("source.lsn is negative, or the commit time is outside the years 1 to 9999");
        }

        var values = image?.Values ?? new object?[columns.Count];
        if (op == "t")
        {
            return Result(new ChangeRow(op, name, lsn, 0, null, known, parts.Unavailable, values, source.PreviousCommitLsn));
        }

        if (Key(message, image) is { } key)
        {
            var part = source.Lsn is null ? ChangeColumns.IncrementalPart : message.CreateHalf ? 1 : 0;
            return Result(new ChangeRow(op, name, lsn, part, key, known, parts.Unavailable, values, source.PreviousCommitLsn));
        }

        return source.Lsn is null
            ? throw new EnvelopeException("the row has no key, and none of an incremental snapshot is known without one; declare the table's key columns")
            : Keyless(parts, message.Value!, new ChangeRow(op, name, lsn, 0, null, known, parts.Unavailable, values, source.PreviousCommitLsn));
    }

    private static EnvelopeResult Result(ChangeRow row) => new(row, null);

    private string? Key(LogMessage message, RowImage? image)
    {
        if (options.KeyColumns is not { Count: > 0 } columns)
        {
            return message.Key is null || options.KeyColumns is not null ? null : EnvelopeKey.Text(message.Key);
        }

        return message.Key is not null && EnvelopeKey.HasColumns(message.Key, columns)
            ? EnvelopeKey.Text(message.Key)
            : image is null ? throw new EnvelopeException("neither the message key nor a row image has the key columns")
            : EnvelopeKey.OfImage(message.Value.AsSpan(image.Start), columns);
    }

    // The end of a row is told by its values: of rows that are equal in all of them, any will do.
    private EnvelopeResult Keyless(EnvelopeParts parts, byte[] value, ChangeRow row)
    {
        if (parts.Unavailable.Count > 0 || (row.Op is "u" or "d" && parts.Before is null && parts.Kind == EnvelopeKind.Envelope) || (row.Op == "u" && parts.Kind == EnvelopeKind.Flat))
        {
            throw new EnvelopeException("the row has no key, and the event does not tell which row it was; set REPLICA IDENTITY FULL and send whole events, or declare the table's key columns");
        }

        (_keylessLsn, _keylessOrdinal) = (row.Lsn, row.Lsn == _keylessLsn ? _keylessOrdinal + 1 : 0);
        ChangeRow Half(string op, RowImage image, int half) => row with
        {
            Op = op,
            Key = EnvelopeKey.OfValues(value.AsSpan(image.Start), _names),
            Part = ChangeColumns.KeylessPart((2 * _keylessOrdinal) + half),
            Values = image.Values,
        };
        return row.Op switch
        {
            "u" => new EnvelopeResult(Half("d", parts.Before!, 0), null, Half("c", parts.After!, 1)),
            "d" => Result(Half("d", parts.Before!, 0)),
            _ => Result(Half(row.Op, parts.After!, 1)),
        };
    }

    private void EnsureTimes(EnvelopeParts parts)
    {
        if (parts.DoubtfulTime is not { } column || parts.Op == "d" || parts.Source.IsOwn)
        {
            return;
        }

        parts.Section = parts.Kind == EnvelopeKind.Flat ? null : "after";
        parts.Member = column;
        var unit = TimeKinds.Unit(options.Times.GetValueOrDefault(column));
        throw new EnvelopeException(
            $"column '{column}' is a time near 1970 if its number counts {unit}, and the event has no schema to tell; send schemas, or declare the unit under fstore.ingest.time_units");
    }

    // A row of an incremental snapshot has no position. Debezium leaves it out when a change of its key was streamed in the snapshot's window, so it
    // belongs before whatever is streamed after it: before each change that follows the same commit or a later one.
    private static long SnapshotLsn(EnvelopeParts parts) => parts.Op == "r" && parts.Source.PreviousCommitLsn is { } lsn
        ? lsn
        : throw new EnvelopeException(parts.Kind == EnvelopeKind.Flat
            ? "the flattened row has no position; add lsn to the SMT's add.fields or add.headers"
            : "source.lsn is missing or null, and the event is no incremental snapshot's row with a source.sequence; use a blocking snapshot");

    private void Unflatten(EnvelopeParts parts, LogMessage message, long? sentMillis)
    {
        if (message.Headers is { } headers)
        {
            FlatRow.Headers(parts, headers);
        }

        _tombstoneDeletes = parts.IsDeleted is null;
        parts.Op = parts.IsDeleted == true ? "d" : parts.Op ?? (message.CreateHalf ? "c" : "u");
        if (parts.Op == "d")
        {
            (parts.Before, parts.After) = (parts.After, null);
            parts.Unavailable.Clear();
        }

        Sent(parts, sentMillis);
    }

    // Where the SMT drops the body of a delete, the tombstone is the delete, and its position a header.
    private EnvelopeResult Tombstone(EnvelopeParts parts, LogMessage message, long? sentMillis)
    {
        if (message.Headers is { } headers)
        {
            FlatRow.Headers(parts, headers);
        }

        if (parts.Source.Lsn is null)
        {
            return _tombstoneDeletes
                ? throw new EnvelopeException("the tombstone is a flattened delete without a position; add lsn to the SMT's add.headers, or set delete.tombstone.handling.mode to rewrite")
                : default;
        }

        (parts.Kind, parts.Op) = (EnvelopeKind.Flat, "d");
        Sent(parts, sentMillis);
        return Row(parts, message);
    }

    private static void Sent(EnvelopeParts parts, long? sentMillis)
    {
        if (parts.Source.CommitMicros is null && sentMillis is { } millis)
        {
            parts.Source = parts.Source with { CommitMicros = EnvelopeSource.Micros(millis, MicrosPerMillisecond) };
        }
    }
}
