using FeatureStore.Ingest.Postgres.Values;
using FeatureStore.OfflineStore.Lake;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;

namespace FeatureStore.Ingest.Postgres;

/// <summary>What came of the stream and is not landed yet: whole transactions, and at most one that is still coming.</summary>
internal sealed class CaptureBatch : IDisposable
{
    /// <summary>Prefix of our own logical messages.</summary>
    public const string MessagePrefix = "fstore";

    private readonly CaptureOptions _options;
    private readonly string _database;
    private readonly TimeProvider _time;
    private readonly CapturedBuffer[] _tables;
    private readonly Dictionary<uint, CapturedBuffer?> _relations = [];
    private readonly Dictionary<uint, uint> _types = []; // Of those that are no types of the system, as they are written.
    private (long Final, uint Xid, long Micros) _transaction;
    private long _transactionRows;
    private long _before; // End of the last commit, or of a message outside of transactions after it, as events tell it.

    public CaptureBatch(CaptureOptions options, string appId, string database, TimeProvider time)
    {
        (_options, _database, _time) = (options, database, time);
        _tables = [.. options.Tables.Select(t => new CapturedBuffer(t, new RowBuffer(t.Source.Columns, options.MemoryRowsMax), t.Lake.TxnVersion(appId) ?? 0))];
        DurableLsn = CommitLsn = _before = _tables[^1].Landed;
    }

    /// <summary>End of the last whole transaction.</summary>
    public long CommitLsn { get; private set; }

    /// <summary>End of the last one that is landed.</summary>
    public long DurableLsn { get; private set; }

    public bool IsBetweenTransactions { get; private set; } = true;

    public bool IsEmpty => CommitLsn == DurableLsn;

    public long Rows => _tables.Sum(t => (long)t.Rows.Count);

    public long Transactions { get; private set; }

    /// <summary>Text of the last of our own messages in a whole transaction.</summary>
    public string? LastMark { get; private set; }

    public void Dispose()
    {
        foreach (var table in _tables)
        {
            table.Rows.Dispose();
        }
    }

    /// <exception cref="PostgresSourceException">A change cannot be landed.</exception>
    public async ValueTask TakeAsync(PgOutputReplicationMessage message, CancellationToken cancellationToken)
    {
        switch (message)
        {
            case BeginMessage begin:
                IsBetweenTransactions = false;
                _transaction = ((long)(ulong)begin.TransactionFinalLsn, begin.TransactionXid, (begin.TransactionCommitTimestamp - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
                _transactionRows = Rows;
                break;
            case CommitMessage commit:
                IsBetweenTransactions = true;
                CommitLsn = _before = (long)(ulong)commit.TransactionEndLsn;
                Transactions += Rows > _transactionRows ? 1 : 0;
                break;
            case TypeMessage type:
                _types[type.TypeId] = PgTypes.Resolved(type.TypeId, type.Namespace.Length == 0, type.Name);
                break;
            case RelationMessage relation:
                Note(relation);
                break;
            case InsertMessage insert:
                await ChangeAsync("c", insert.Relation, null, insert.NewRow, message, cancellationToken);
                break;
            case FullUpdateMessage update:
                await ChangeAsync("u", update.Relation, update.OldRow, update.NewRow, message, cancellationToken);
                break;
            case IndexUpdateMessage update:
                await ChangeAsync("u", update.Relation, update.Key, update.NewRow, message, cancellationToken);
                break;
            case UpdateMessage update:
                await ChangeAsync("u", update.Relation, null, update.NewRow, message, cancellationToken);
                break;
            case FullDeleteMessage delete:
                await ChangeAsync("d", delete.Relation, delete.OldRow, null, message, cancellationToken);
                break;
            case KeyDeleteMessage delete:
                await ChangeAsync("d", delete.Relation, delete.Key, null, message, cancellationToken);
                break;
            case TruncateMessage truncate:
                foreach (var relation in truncate.Relations)
                {
                    Add("t", relation.RelationId, null, null, message);
                }

                break;
            case LogicalDecodingMessage { Prefix: MessagePrefix } mark:
                using (var text = new StreamReader(mark.Data))
                {
                    LastMark = await text.ReadToEndAsync(cancellationToken);
                }

                break;
            case LogicalDecodingMessage { Flags: 0 } aside:
                _before = (long)(ulong)aside.MessageLsn;
                break;
        }
    }

    /// <summary>Lands the whole transactions; the progress goes with the last table, so that it never tells of more than all hold.</summary>
    public void Land(string appId, CancellationToken cancellationToken)
    {
        // Before the lake, which knows what is done: what it holds is published too.
        _options.Publisher?.Flush();
        foreach (var table in _tables)
        {
            if (table.Rows.Count > 0 || table == _tables[^1])
            {
                table.Table.Lake.Append(table.Rows, new LakeTxn(appId, CommitLsn), cancellationToken);
                table.Rows.Clear();
            }
        }

        DurableLsn = CommitLsn;
    }

    private void Note(RelationMessage relation)
    {
        var table = _tables.FirstOrDefault(t => t.Table.Source.Schema == relation.Namespace && t.Table.Source.Name == relation.RelationName);
        _relations[relation.RelationId] = table;
        if (table is null)
        {
            return;
        }

        var source = table.Table.Source;
        List<SourceColumn> columns = [.. relation.Columns.Select(c => new SourceColumn(c.ColumnName, _types.GetValueOrDefault(c.DataTypeId, c.DataTypeId), c.TypeModifier, c.Flags.HasFlag(RelationMessage.Column.ColumnFlags.PartOfKey)))];

        // Without the key columns an update or delete does not tell which row it was.
        if (source.KeyColumns.FirstOrDefault(k => !columns.Any(c => c.Name == k && c.IsKey)) is { } missing)
        {
            throw new PostgresSourceException($"The replica identity of {source} has no column '{missing}', which is declared as its key. Make it the primary key, or run 'ALTER TABLE {source} REPLICA IDENTITY FULL'; changes before that stay without it, so a snapshot is needed then.");
        }

        table.Events = new TableEvents(source, columns, _time);
    }

    private async ValueTask ChangeAsync(string op, RelationMessage relation, ReplicationTuple? old, ReplicationTuple? now, PgOutputReplicationMessage message, CancellationToken cancellationToken)
    {
        // The stream has one row after the other, and each has to be read.
        var (id, count) = (relation.RelationId, relation.Columns.Count);
        var before = old is null ? null : await ReadAsync(old, count, cancellationToken);
        var after = now is null ? null : await ReadAsync(now, count, cancellationToken);
        if (message is FullUpdateMessage)
        {
            // A long value that was not changed is in the old row.
            for (var i = 0; i < count; i++)
            {
                after![i] = after[i].IsUnavailable ? before![i] : after[i];
            }
        }

        Add(op, id, before, after, message);
    }

    private static async ValueTask<SourceValue[]> ReadAsync(ReplicationTuple tuple, int count, CancellationToken cancellationToken)
    {
        var values = new SourceValue[count];
        var i = 0;
        await foreach (var value in tuple.WithCancellation(cancellationToken))
        {
            values[i++] = value.IsUnchangedToastedValue ? new SourceValue(null, IsUnavailable: true)
                : value.IsDBNull ? default
                : new SourceValue(await value.Get<string>(cancellationToken));
        }

        return values;
    }

    private void Add(string op, uint relation, SourceValue[]? before, SourceValue[]? after, PgOutputReplicationMessage message)
    {
        // What was landed before a kill comes again for the tables that were not.
        if (_relations.GetValueOrDefault(relation) is not { Events: { } events } table || _transaction.Final < table.Landed)
        {
            return;
        }

        var place = new ChangePlace(_options.Source, _database, (long)(ulong)message.WalStart, _before == 0 ? null : _before, _transaction.Xid, _transaction.Micros);
        foreach (var change in events.Messages(op, before, after, place))
        {
            events.Read(change, table.Rows);
            _options.Publisher?.Publish(table.Table.Source, change);
        }
    }

    private sealed class CapturedBuffer(CapturedTable table, RowBuffer rows, long landed)
    {
        public CapturedTable Table => table;

        public RowBuffer Rows => rows;

        /// <summary>End of the last commit that the table held at the start.</summary>
        public long Landed => landed;

        public TableEvents? Events { get; set; }
    }
}
