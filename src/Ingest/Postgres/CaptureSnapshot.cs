using FeatureStore.Ingest.Postgres.Values;
using FeatureStore.OfflineStore.Lake;
using Npgsql;
using Npgsql.Replication;

namespace FeatureStore.Ingest.Postgres;

/// <summary>
/// The rows as of a new slot's start. A table's snapshot lands in one commit, behind a truncate: whatever the lake held of the table before is
/// replaced, so a snapshot that did not end is simply made again.
/// </summary>
internal sealed class CaptureSnapshot(CaptureOptions options, CaptureSlot slot, NpgsqlConnection side, TimeProvider time)
{
    private const long MicrosPerTick = TimeSpan.TicksPerMicrosecond;

    /// <summary>Makes the slot and lands the snapshot that it exports.</summary>
    /// <returns>Rows, and the position up to which they are.</returns>
    public async Task<(long Rows, long Lsn)> RunAsync(LogicalReplicationConnection replication, CancellationToken cancellationToken)
    {
        var made = await replication.CreatePgOutputReplicationSlot(
            options.Slot, slotSnapshotInitMode: LogicalSlotSnapshotInitMode.Export, cancellationToken: cancellationToken);

        // Transactions that ran while the slot was made come streamed with positions before its consistent point, but never before the point from
        // which it reads. So rows of the snapshot stand there: older than every change that is streamed, newer than all that was captured before.
        var place = (await slot.StateAsync(cancellationToken))!.Restart!.Value;
        var consistent = (long)(ulong)made.ConsistentPoint;
        await using var transaction = await side.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        await using (var take = new NpgsqlCommand($"SET TRANSACTION SNAPSHOT '{made.SnapshotName}'", side))
        {
            await take.ExecuteNonQueryAsync(cancellationToken);
        }

        var rows = 0L;
        foreach (var table in options.Tables)
        {
            using var buffer = new RowBuffer(table.Source.Columns, options.MemoryRowsMax);
            await ReadAsync(table.Source, place, buffer, cancellationToken);
            options.Publisher?.Flush();
            table.Lake.Append(buffer, new LakeTxn(slot.AppId, consistent), cancellationToken);
            rows += buffer.Count - 1;
        }

        await transaction.CommitAsync(cancellationToken);
        return (rows, consistent);
    }

    private async Task ReadAsync(PostgresTable table, long place, RowBuffer buffer, CancellationToken cancellationToken)
    {
        var columns = await ColumnsAsync(table, cancellationToken);
        var events = new TableEvents(table, columns, time);
        var micros = await MicrosAsync(cancellationToken);
        events.Take("t", null, null, new ChangePlace(options.Source, side.Database, place - 1, null, null, micros), buffer, options.Publisher);
        await using var select = new NpgsqlCommand($"SELECT {string.Join(", ", columns.Select(c => PostgresTable.Quoted(c.Name)))} FROM {table.Sql}", side) { AllResultTypesAreUnknown = true, CommandTimeout = 0 };
        await using var reader = await select.ExecuteReaderAsync(cancellationToken);
        var at = new ChangePlace(options.Source, side.Database, place, null, null, micros);
        while (await reader.ReadAsync(cancellationToken))
        {
            var image = new SourceValue[columns.Count];
            for (var i = 0; i < image.Length; i++)
            {
                image[i] = new SourceValue(reader.IsDBNull(i) ? null : reader.GetString(i));
            }

            events.Take("r", null, image, at, buffer, options.Publisher);
        }
    }

    private async Task<long> MicrosAsync(CancellationToken cancellationToken)
    {
        await using var now = new NpgsqlCommand("SELECT clock_timestamp()", side);
        return ((DateTime)(await now.ExecuteScalarAsync(cancellationToken))! - DateTime.UnixEpoch).Ticks / MicrosPerTick;
    }

    private async Task<IReadOnlyList<SourceColumn>> ColumnsAsync(PostgresTable table, CancellationToken cancellationToken)
    {
        await using var select = new NpgsqlCommand(
            """
            SELECT a.attname::text, a.atttypid, a.atttypmod, b.typnamespace = 'pg_catalog'::regnamespace, b.typname::text
            FROM pg_attribute a CROSS JOIN LATERAL (
              WITH RECURSIVE under AS (
                SELECT * FROM pg_type WHERE oid = a.atttypid
                UNION ALL SELECT t.* FROM pg_type t JOIN under ON under.typtype = 'd' AND t.oid = under.typbasetype)
              SELECT typnamespace, typname FROM under WHERE typtype <> 'd') b
            WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum
            """, side)
        { Parameters = { new() { Value = table.Sql } } };
        await using var reader = await select.ExecuteReaderAsync(cancellationToken);
        var columns = new List<SourceColumn>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var name = reader.GetString(0);
            columns.Add(new SourceColumn(name, PgTypes.Resolved(reader.GetFieldValue<uint>(1), reader.GetBoolean(3), reader.GetString(4)), reader.GetInt32(2), table.KeyColumns.Contains(name)));
        }

        return columns;
    }
}
