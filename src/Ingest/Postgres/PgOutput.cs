using System.Buffers.Binary;
using System.Text;
using FeatureStore.Ingest.Postgres.Values;

namespace FeatureStore.Ingest.Postgres;

/// <summary>A transaction as its begin tells of it.</summary>
/// <param name="FinalLsn">Position of its commit.</param>
/// <param name="CommitMicros">Microseconds since the epoch.</param>
internal readonly record struct PgTransaction(long FinalLsn, uint Xid, long CommitMicros);

/// <summary>A table as it is from here on in the stream.</summary>
internal sealed record PgRelation(uint Id, string Schema, string Name, IReadOnlyList<SourceColumn> Columns);

/// <summary>A message of <c>pg_logical_emit_message</c>.</summary>
internal readonly record struct PgMessage(bool IsTransactional, long Lsn, string Prefix, string Text);

/// <summary>A change of one row.</summary>
/// <param name="Before">The row before, whole or only with its key; null if the server does not send it.</param>
internal readonly record struct PgChange(uint Relation, SourceValue[]? Before, SourceValue[]? After);

/// <summary>Kinds of pgoutput's messages, and how they are asked for.</summary>
internal static class PgOutput
{
    public const byte Begin = (byte)'B';
    public const byte Commit = (byte)'C';
    public const byte Relation = (byte)'R';
    public const byte Type = (byte)'Y';
    public const byte Insert = (byte)'I';
    public const byte Update = (byte)'U';
    public const byte Delete = (byte)'D';
    public const byte Truncate = (byte)'T';
    public const byte Message = (byte)'M';

    /// <summary>Where a change came from that was replicated into the source itself.</summary>
    public const byte Origin = (byte)'O';

    /// <summary>Protocol 1: whole transactions in the order of their commits, values as texts. The server keeps one that is too large for its memory in files until then.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Options(string publication) =>
    [
        new("proto_version", "1"),
        new("publication_names", PostgresTable.Quoted(publication).Replace("'", "''", StringComparison.Ordinal)),
        new("messages", "true"),
    ];
}

/// <summary>
/// Reads a message of pgoutput, protocol 1, from its bytes, as "Logical Replication Message Formats" of PostgreSQL's manual has them. Npgsql's own reader
/// awaits each value by itself, which is dear.
/// </summary>
internal ref struct PgOutputReader(ReadOnlySpan<byte> message)
{
    private const long MicrosTo2000 = 946_684_800_000_000;
    private const byte OldKey = (byte)'K';
    private const byte OldRow = (byte)'O';
    private const byte NewRow = (byte)'N';
    private readonly ReadOnlySpan<byte> _message = message;
    private int _at;

    public byte Byte() => Bytes(1)[0];

    public PgTransaction Begin()
    {
        var (final, micros) = (Int64(), Int64());
        return new PgTransaction(final, (uint)Int32(), MicrosTo2000 + micros);
    }

    /// <summary>The position after a commit.</summary>
    public long CommitEnd()
    {
        _ = (Byte(), Int64());
        var end = Int64();
        _ = Int64();
        return end;
    }

    /// <summary>A message that is not looked into.</summary>
    public void Skip() => _at = _message.Length;

    /// <summary>A message that nobody asked for: parts of transactions that run (protocol 2 and up), or what two-phase commits do.</summary>
    public readonly PostgresSourceException Unasked() =>
        Fault($"is of kind '{(_message[0] is > 0x20 and < 0x7F ? ((char)_message[0]).ToString() : _message[0].ToString(System.Globalization.CultureInfo.InvariantCulture))}', which protocol 1 does not have");

    /// <summary>Sees that a message is where it belongs.</summary>
    /// <param name="isRight">Inside of a transaction, or between them, as it has to be.</param>
    public readonly void Belongs(bool isRight)
    {
        if (!isRight)
        {
            throw Fault($"of kind '{(char)_message[0]}' is not where transactions begin and end");
        }
    }

    /// <summary>Sees that nothing is left.</summary>
    public readonly void End()
    {
        if (_at != _message.Length)
        {
            throw Fault("goes on after its end");
        }
    }

    public PgRelation Relation()
    {
        var (id, schema, name) = ((uint)Int32(), Text(), Text());
        _ = Byte();
        var columns = new SourceColumn[Count(Int16())];
        for (var i = 0; i < columns.Length; i++)
        {
            var isKey = (Byte() & 1) != 0;
            columns[i] = new SourceColumn(Text(), (uint)Int32(), Int32(), isKey);
        }

        return new PgRelation(id, schema, name, columns);
    }

    /// <summary>An insert, update or delete.</summary>
    public PgChange Change()
    {
        var relation = (uint)Int32();
        var (before, after, isWhole) = ((SourceValue[]?)null, (SourceValue[]?)null, false);
        while (_at < _message.Length)
        {
            switch (Byte())
            {
                case OldKey:
                    before = Row();
                    break;
                case OldRow:
                    (before, isWhole) = (Row(), true);
                    break;
                case NewRow:
                    after = Row();
                    break;
                default:
                    throw Fault("has a row of a kind that is not known");
            }
        }

        // A long value that was not changed is in the old row.
        for (var i = 0; isWhole && i < Math.Min(before!.Length, after?.Length ?? 0); i++)
        {
            after![i] = after[i].IsUnavailable ? before[i] : after[i];
        }

        return new PgChange(relation, before, after);
    }

    /// <summary>The tables that a truncate empties.</summary>
    public uint[] Truncated()
    {
        var relations = new uint[Count(Int32())];
        _ = Byte();
        for (var i = 0; i < relations.Length; i++)
        {
            relations[i] = (uint)Int32();
        }

        return relations;
    }

    /// <summary>A type that is none of the system's, or a domain.</summary>
    public (uint Id, string Schema, string Name) Type() => ((uint)Int32(), Text(), Text());

    public PgMessage Message()
    {
        var (flags, lsn, prefix) = (Byte(), Int64(), Text());
        return new PgMessage((flags & 1) != 0, lsn, prefix, Encoding.UTF8.GetString(Bytes(Int32())));
    }

    private SourceValue[] Row()
    {
        var values = new SourceValue[Count(Int16())];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Byte() switch
            {
                (byte)'n' => default,
                (byte)'u' => new SourceValue(null, IsUnavailable: true),
                (byte)'t' => new SourceValue(Encoding.UTF8.GetString(Bytes(Int32()))),
                (byte)'b' => throw Fault("has a value in binary, and texts were asked for"),
                _ => throw Fault("has a value of a kind that is not known"),
            };
        }

        return values;
    }

    // Each of what is counted takes a byte at least, so nothing larger than the message is made.
    private readonly int Count(int count) => count >= 0 && count <= _message.Length - _at ? count : throw Fault("counts more than it has");

    private short Int16() => BinaryPrimitives.ReadInt16BigEndian(Bytes(sizeof(short)));

    private int Int32() => BinaryPrimitives.ReadInt32BigEndian(Bytes(sizeof(int)));

    private long Int64() => BinaryPrimitives.ReadInt64BigEndian(Bytes(sizeof(long)));

    private string Text()
    {
        var end = _message[_at..].IndexOf((byte)0);
        var text = Encoding.UTF8.GetString(Bytes(end < 0 ? int.MaxValue : end));
        _at++;
        return text;
    }

    private ReadOnlySpan<byte> Bytes(int count)
    {
        if (count < 0 || count > _message.Length - _at)
        {
            throw Fault("ends too early");
        }

        _at += count;
        return _message[(_at - count).._at];
    }

    private readonly PostgresSourceException Fault(string what) =>
        new($"A message of PostgreSQL's stream {what} (at byte {_at} of {_message.Length}). Nothing after the last whole batch is landed; run the command again, against PostgreSQL itself and not a program between.");
}
