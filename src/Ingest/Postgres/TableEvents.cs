using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Postgres.Values;

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
    private readonly int[] _keys;

    /// <exception cref="PostgresSourceException">The table lacks a declared column.</exception>
    public TableEvents(PostgresTable table, IReadOnlyList<SourceColumn> columns, TimeProvider time)
    {
        if (table.Columns.FirstOrDefault(c => columns.All(s => s.Name != c.Name)) is { } missing)
        {
            throw new PostgresSourceException($"Table {table} has no column '{missing.Name}' (any more); capture stands before its first change without it. Add the column again, or declare the table without it.");
        }

        (_table, _envelope) = (table, new ChangeEnvelope(table, columns, time));
        _keys = [.. columns.Index().Where(c => table.KeyColumns.Contains(c.Item.Name)).Select(c => c.Index)];
        _reader = new EnvelopeReader(table.Columns, new EnvelopeOptions
        {
            KeyColumns = table.KeyColumns,
            AreTimesCertain = true,
            Scales = columns.Where(c => c.Scale is not null).ToDictionary(c => c.Name, c => c.Scale!.Value),
            Times = columns.Where(c => c.IsMillis).ToDictionary(c => c.Name, _ => TimeKind.Milliseconds),
        });
    }

    /// <summary>The events of a change: message key, value, and whether it is the create half of a key change.</summary>
    public IEnumerable<LogMessage> Messages(string op, SourceValue[]? before, SourceValue[]? after, ChangePlace place)
    {
        if (op == "t")
        {
            yield return new LogMessage(null, _envelope.Value(op, null, null, place));
        }
        else if (op == "u" && before is not null && _keys.Any(k => before[k].Text != after![k].Text))
        {
            yield return new LogMessage(_envelope.Key(before), _envelope.Value("d", before, null, place));
            yield return new LogMessage(_envelope.Key(after!), _envelope.Value("c", null, after, place), CreateHalf: true);
        }
        else
        {
            yield return new LogMessage(_envelope.Key(after ?? before!), _envelope.Value(op, before, after, place));
        }
    }

    /// <exception cref="PostgresSourceException">A value does not fit the declared column; nothing of it is landed.</exception>
    public void Read(LogMessage message, RowBuffer into)
    {
        var read = _reader.Read(message);
        into.Add(read.Row ?? throw new PostgresSourceException(
            $"A change of {_table} cannot be landed: {read.Fault?.Reason ?? "it is no row"} ({read.Fault?.Path}). Capture stands before its transaction; correct the column's type in the declaration or at the source, and run it again."));
    }
}
