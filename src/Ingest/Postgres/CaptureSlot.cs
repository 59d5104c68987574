using FeatureStore.OfflineStore.Lake;
using Npgsql;

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
    public Task<SlotState?> StateAsync(CancellationToken cancellationToken) => SlotState.ReadAsync(_connection, _options.Slot, cancellationToken);

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
    public Task EnsurePublicationAsync(CancellationToken cancellationToken) =>
        new Publication(_options.Publication, [.. _options.Tables.Select(t => t.Source)], _options.Address, _connection).EnsureAsync(cancellationToken);

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
