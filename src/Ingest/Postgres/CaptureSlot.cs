using FeatureStore.OfflineStore.Lake;
using Npgsql;
using NpgsqlTypes;

namespace FeatureStore.Ingest.Postgres;

/// <summary>The replication slot, the publication, and how far the lake is: whether they fit together.</summary>
internal sealed class CaptureSlot
{
    private const string Plugin = "pgoutput";
    private readonly CaptureOptions _options;
    private readonly NpgsqlConnection _connection;

    /// <param name="systemId">The database cluster's own identifier; a slot's name is unique in it.</param>
    public CaptureSlot(CaptureOptions options, NpgsqlConnection connection, string systemId) =>
        (_options, _connection, AppId) = (options, connection, $"postgres:{systemId}:{options.Slot}");

    /// <summary>Under this name the lake keeps the progress: the end of the last commit.</summary>
    public string AppId { get; }

    /// <summary>End of the last commit that is durable in every table; null before the first snapshot's end.</summary>
    public long? Durable => Progress.TxnVersion(AppId);

    /// <summary>True if this lake began to make the slot.</summary>
    public bool IsBegun => Progress.TxnVersion(BegunId) is not null;

    private string BegunId => AppId + ":begun";

    private ChangeTable Progress => _options.Tables[^1].Lake;

    /// <summary>Notes in the lake that the slot is about to be made, so that a slot whose snapshot did not end is known from another lake's.</summary>
    public void Begin(CancellationToken cancellationToken) => Progress.Append([], new LakeTxn(BegunId, 1), cancellationToken);

    /// <summary>What the server says of the slot; null when there is none.</summary>
    public async Task<SlotState?> StateAsync(CancellationToken cancellationToken)
    {
        await using var command = Command(
            "SELECT plugin, database, active, wal_status, restart_lsn, confirmed_flush_lsn, (pg_current_wal_lsn() - confirmed_flush_lsn)::bigint FROM pg_replication_slots WHERE slot_name = $1", _options.Slot);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        long? Lsn(int column) => reader.IsDBNull(column) ? null : (long)(ulong)reader.GetFieldValue<NpgsqlLogSequenceNumber>(column);
        return new SlotState(
            reader.IsDBNull(0) ? string.Empty : reader.GetString(0),
            reader.IsDBNull(1) ? string.Empty : reader.GetString(1),
            reader.GetBoolean(2),
            reader.IsDBNull(3) ? null : reader.GetString(3),
            Lsn(4),
            Lsn(5),
            reader.IsDBNull(6) ? null : reader.GetInt64(6));
    }

    /// <summary>Why changes are missing between the lake and the slot; null if none are. Without progress in the lake nothing can be missing.</summary>
    public string? Gap(SlotState? slot, long? durable)
    {
        if (durable is not { } end)
        {
            return null;
        }

        var why = slot is null ? "the slot is gone"
            : slot.IsLost ? "the server gave up the slot's WAL (wal_status lost)"
            : slot.Confirmed is { } from && from > end ? $"the slot begins at {CaptureStatus.Text(from)}: it was made anew, or a snapshot did not end"
            : null;
        return why is null ? null
            : $"Changes after {CaptureStatus.Text(end)} are missing: {why}. Run 'fstore capture --resnapshot', which makes the slot anew and replaces the rows by a snapshot, deletes in the gap included.";
    }

    /// <summary>Makes the publication if it is absent; what it lacks is an error.</summary>
    /// <exception cref="PostgresSourceException">The server's settings or the publication do not suit.</exception>
    public async Task EnsurePublicationAsync(CancellationToken cancellationToken)
    {
        await using (var level = new NpgsqlCommand("SHOW wal_level", _connection))
        {
            if ((string)(await level.ExecuteScalarAsync(cancellationToken))! is var text && text != "logical")
            {
                throw new PostgresSourceException($"PostgreSQL at {_options.Address} has wal_level {text}, and capture needs logical; set wal_level = logical and restart the server.");
            }
        }

        await using (var exists = Command("SELECT count(*) FROM pg_publication WHERE pubname = $1", _options.Publication))
        {
            if ((long)(await exists.ExecuteScalarAsync(cancellationToken))! == 0)
            {
                await using var create = new NpgsqlCommand(
                    $"CREATE PUBLICATION {PostgresTable.Quoted(_options.Publication)} FOR TABLE {string.Join(", ", _options.Tables.Select(t => t.Source.Sql))}", _connection);
                await create.ExecuteNonQueryAsync(cancellationToken);
            }
        }

        foreach (var table in _options.Tables.Select(t => t.Source))
        {
            await using var published = new NpgsqlCommand(
                "SELECT count(*) FROM pg_publication_tables t JOIN pg_publication p USING (pubname) WHERE pubname = $1 AND schemaname = $2 AND tablename = $3 AND pubinsert AND pubupdate AND pubdelete AND pubtruncate", _connection)
            { Parameters = { new() { Value = _options.Publication }, new() { Value = table.Schema }, new() { Value = table.Name } } };
            if ((long)(await published.ExecuteScalarAsync(cancellationToken))! == 0)
            {
                throw new PostgresSourceException($"Publication {_options.Publication} does not publish every change of {table}; run 'ALTER PUBLICATION {_options.Publication} ADD TABLE {table}', with insert, update, delete and truncate published.");
            }
        }
    }

    public async Task DropAsync(CancellationToken cancellationToken)
    {
        await using var drop = Command("SELECT pg_drop_replication_slot($1)", _options.Slot);
        await drop.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <exception cref="PostgresSourceException">The slot is another program's.</exception>
    public void EnsureOurs(SlotState slot)
    {
        if (slot.Plugin != Plugin || slot.Database != _connection.Database)
        {
            throw new PostgresSourceException($"Slot {_options.Slot} is of plugin '{slot.Plugin}' in database '{slot.Database}', not of {Plugin} in '{_connection.Database}'; name another one under fstore.postgres.slot.");
        }
    }

    private NpgsqlCommand Command(string sql, string parameter) => new(sql, _connection) { Parameters = { new() { Value = parameter } } };
}

/// <summary>A row of <c>pg_replication_slots</c>.</summary>
internal sealed record SlotState(string Plugin, string Database, bool Active, string? WalStatus, long? Restart, long? Confirmed, long? LagBytes)
{
    public bool IsLost => WalStatus == "lost" || Restart is null;
}
