using FeatureStore.Ingest.Postgres.Values;

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
    private PgTransaction _transaction;
    private long _transactionRows;
    private long _cutLsn;
    private long _before; // End of the last commit, or of a message outside of transactions after it, as events tell it.

    public CaptureBatch(CaptureOptions options, string appId, string database, TimeProvider time)
    {
        (_options, _database, _time) = (options, database, time);
        _tables = [.. options.Tables.Select(t => new CapturedBuffer(t, options.MemoryRowsMax, t.Lake.TxnVersion(appId) ?? 0))];
        DurableLsn = CommitLsn = _cutLsn = _before = _tables[^1].Landed;
    }

    /// <summary>End of the last whole transaction.</summary>
    public long CommitLsn { get; private set; }

    /// <summary>End of the last one that is landed.</summary>
    public long DurableLsn { get; private set; }

    public bool IsBetweenTransactions { get; private set; } = true;

    /// <summary>True if nothing was committed since the last cut.</summary>
    public bool IsEmpty => CommitLsn == _cutLsn;

    /// <summary>Rows since the last cut.</summary>
    public long Rows { get; private set; }

    /// <summary>Transactions with rows since the last cut.</summary>
    public long Transactions { get; private set; }

    /// <summary>Text of the last of our own messages in a whole transaction.</summary>
    public string? LastMark { get; private set; }

    public void Dispose()
    {
        foreach (var table in _tables)
        {
            table.Dispose();
        }
    }

    /// <param name="message">A message of pgoutput.</param>
    /// <param name="lsn">Its position.</param>
    /// <exception cref="PostgresSourceException">A change cannot be landed, or the message is none.</exception>
    public void Take(ReadOnlySpan<byte> message, long lsn)
    {
        var reader = new PgOutputReader(message);
        var kind = reader.Byte();
        if (kind is PgOutput.Begin or PgOutput.Commit or PgOutput.Insert or PgOutput.Update or PgOutput.Delete or PgOutput.Truncate)
        {
            reader.Belongs(IsBetweenTransactions == (kind == PgOutput.Begin));
        }

        switch (kind)
        {
            case PgOutput.Begin:
                (_transaction, _transactionRows, IsBetweenTransactions) = (reader.Begin(), Rows, false);
                break;
            case PgOutput.Commit:
                (CommitLsn, IsBetweenTransactions) = (reader.CommitEnd(), true);
                _before = CommitLsn;
                Transactions += Rows > _transactionRows ? 1 : 0;
                break;
            case PgOutput.Type:
                var (id, schema, type) = reader.Type();
                _types[id] = PgTypes.Resolved(id, schema.Length == 0, type);
                break;
            case PgOutput.Relation:
                Note(reader.Relation());
                break;
            case PgOutput.Insert:
                Add("c", reader.Change(), lsn);
                break;
            case PgOutput.Update:
                Add("u", reader.Change(), lsn);
                break;
            case PgOutput.Delete:
                Add("d", reader.Change(), lsn);
                break;
            case PgOutput.Truncate:
                foreach (var relation in reader.Truncated())
                {
                    Add("t", new PgChange(relation, null, null), lsn);
                }

                break;
            case PgOutput.Message:
                Note(reader.Message());
                break;
            case PgOutput.Origin:
                reader.Skip();
                break;
            default:
                throw reader.Unasked();
        }

        reader.End();
    }

    /// <summary>Takes the whole transactions out; what comes from now on goes into the next batch. Only between transactions, and one at a time.</summary>
    public CutBatch Cut()
    {
        var cut = new CutBatch([.. _tables.Select(t => new CapturedRows(t.Table, t.Cut()))], CommitLsn, Rows, Transactions, _options.Publisher);
        (_cutLsn, Rows, Transactions) = (CommitLsn, 0, 0);
        return cut;
    }

    /// <summary>Notes that what was cut is landed.</summary>
    public void Landed(CutBatch cut) => DurableLsn = cut.CommitLsn;

    private void Note(PgMessage message)
    {
        if (message.Prefix == MessagePrefix)
        {
            LastMark = message.Text;
        }
        else if (!message.IsTransactional)
        {
            _before = message.Lsn;
        }
    }

    private void Note(PgRelation relation)
    {
        var table = _tables.FirstOrDefault(t => t.Table.Source.Schema == relation.Schema && t.Table.Source.Name == relation.Name);
        _relations[relation.Id] = table;
        if (table is null)
        {
            return;
        }

        // Without the key columns an update or delete does not tell which row it was.
        var source = table.Table.Source;
        List<SourceColumn> columns = [.. relation.Columns.Select(c => c with { TypeId = _types.GetValueOrDefault(c.TypeId, c.TypeId) })];
        if (source.KeyColumns.FirstOrDefault(k => !columns.Any(c => c.Name == k && c.IsKey)) is { } missing)
        {
            throw new PostgresSourceException($"The replica identity of {source} has no column '{missing}', which is declared as its key. Make it the primary key, or run 'ALTER TABLE {source} REPLICA IDENTITY FULL'; changes before that stay without it, so a snapshot is needed then.");
        }

        (table.Events, table.Columns) = (new TableEvents(source, columns, _time), columns.Count);
    }

    private void Add(string op, PgChange change, long lsn)
    {
        // What was landed before a kill comes again for the tables that were not.
        if (_relations.GetValueOrDefault(change.Relation) is not { Events: { } events } table || _transaction.FinalLsn < table.Landed)
        {
            return;
        }

        var needed = op == "d" ? change.Before : change.After;
        if ((needed is null && op != "t") || (change.Before ?? needed)?.Length != needed?.Length || (needed is not null && needed.Length != table.Columns))
        {
            throw new PostgresSourceException($"A change of {table.Table.Source} has not the {table.Columns} columns that the stream told of. Run the command again, against PostgreSQL itself and not a program between.");
        }

        var place = new ChangePlace(_options.Source, _database, lsn, _before == 0 ? null : _before, _transaction.Xid, _transaction.CommitMicros);
        Rows += events.Take(op, change.Before, change.After, place, table.Rows, _options.Publisher);
    }

    private sealed class CapturedBuffer(CapturedTable table, int memoryRowsMax, long landed) : IDisposable
    {
        private RowBuffer? _other;

        public CapturedTable Table => table;

        public RowBuffer Rows { get; private set; } = new(table.Source.Columns, memoryRowsMax);

        /// <summary>End of the last commit that the table held at the start.</summary>
        public long Landed => landed;

        public TableEvents? Events { get; set; }

        /// <summary>How many columns the source has.</summary>
        public int Columns { get; set; }

        /// <summary>The rows so far; the buffer that was cut before takes the next.</summary>
        public RowBuffer Cut()
        {
            var cut = Rows;
            (Rows, _other) = (_other ?? new RowBuffer(table.Source.Columns, memoryRowsMax), cut);
            return cut;
        }

        public void Dispose()
        {
            Rows.Dispose();
            _other?.Dispose();
        }
    }
}
