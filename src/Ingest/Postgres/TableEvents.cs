using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Postgres.Values;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Postgres;

/// <summary>
/// Changes of one table, with the columns it has now, through the events that Debezium would send into rows of the lake: what the readers of such
/// events know of types holds for both ways.
/// </summary>
internal sealed class TableEvents
{
    private readonly PostgresTable _table;
    private readonly ChangeEnvelope _envelope;
    private readonly EnvelopeReader _reader;
    private readonly DirectRows _direct;
    private readonly int[] _keys;

    /// <exception cref="PostgresSourceException">The table lacks a declared column.</exception>
    public TableEvents(PostgresTable table, IReadOnlyList<SourceColumn> columns, TimeProvider time)
    {
        if (table.Columns.FirstOrDefault(c => columns.All(s => s.Name != c.Name)) is { } missing)
        {
            throw new PostgresSourceException($"Table {table} has no column '{missing.Name}' (any more); capture stands before its first change without it. Add the column again, or declare the table without it.");
        }

        (_table, _envelope) = (table, new ChangeEnvelope(table, columns, time));
        _direct = new DirectRows(table, columns, _envelope);
        _keys = [.. columns.Index().Where(c => table.KeyColumns.Contains(c.Item.Name)).Select(c => c.Index)];
        _reader = new EnvelopeReader(table.Columns, new EnvelopeOptions
        {
            KeyColumns = table.KeyColumns,
            AreTimesCertain = true,
            Scales = columns.Where(c => c.Scale is not null).ToDictionary(c => c.Name, c => c.Scale!.Value),
            Times = columns.Where(c => c.IsMillis).ToDictionary(c => c.Name, _ => TimeKind.Milliseconds),
        });
    }

    /// <summary>Adds the rows of a change. Its events are made only where somebody gets them, or the row is not told without.</summary>
    /// <returns>How many rows it is.</returns>
    /// <exception cref="PostgresSourceException">A value does not fit the declared column; nothing of it is landed.</exception>
    public int Take(string op, SourceValue[]? before, SourceValue[]? after, ChangePlace place, RowBuffer into, IChangePublisher? publisher)
    {
        var row = TryRow(op, before, after, place);
        if (row is not null)
        {
            into.Add(row);
            if (publisher is null)
            {
                return 1;
            }
        }

        var rows = 0;
        foreach (var message in Messages(op, before, after, place))
        {
            rows++;
            if (row is null)
            {
                into.Add(Read(message));
            }

            publisher?.Publish(_table, message);
        }

        return rows;
    }

    /// <summary>The row that <see cref="Read"/> makes of the change's one event, without making the event; null if only the event tells.</summary>
    public ChangeRow? TryRow(string op, SourceValue[]? before, SourceValue[]? after, ChangePlace place) =>
        op == "t" || IsKeyChange(op, before, after) ? null : _direct.TryRow(op, op == "d" ? before : after, place);

    /// <summary>The events of a change: message key, value, and whether it is the create half of a key change.</summary>
    public IEnumerable<LogMessage> Messages(string op, SourceValue[]? before, SourceValue[]? after, ChangePlace place)
    {
        if (op == "t")
        {
            yield return new LogMessage(null, _envelope.Value(op, null, null, place));
        }
        else if (IsKeyChange(op, before, after))
        {
            yield return new LogMessage(_envelope.Key(before!), _envelope.Value("d", before, null, place));
            yield return new LogMessage(_envelope.Key(after!), _envelope.Value("c", null, after, place), CreateHalf: true);
        }
        else
        {
            yield return new LogMessage(_envelope.Key(after ?? before!), _envelope.Value(op, before, after, place));
        }
    }

    /// <exception cref="PostgresSourceException">A value does not fit the declared column; nothing of it is landed.</exception>
    public ChangeRow Read(LogMessage message)
    {
        var read = _reader.Read(message);
        return read.Row ?? throw new PostgresSourceException(
            $"A change of {_table} cannot be landed: {read.Fault?.Reason ?? "it is no row"} ({read.Fault?.Path}). Capture stands before its transaction; correct the column's type in the declaration or at the source, and run it again.");
    }

    private bool IsKeyChange(string op, SourceValue[]? before, SourceValue[]? after)
    {
        if (op != "u" || before is null)
        {
            return false;
        }

        foreach (var key in _keys)
        {
            if (before[key].Text != after![key].Text)
            {
                return true;
            }
        }

        return false;
    }
}
