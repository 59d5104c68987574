using Npgsql;
using NpgsqlTypes;

namespace FeatureStore.Ingest.Postgres;

/// <summary>A row of <c>pg_replication_slots</c>.</summary>
internal sealed record SlotState(string Plugin, string Database, bool Active, string? WalStatus, long? Restart, long? Confirmed, long? LagBytes)
{
    public bool IsLost => WalStatus == "lost" || Restart is null;

    /// <summary>What the server says of a slot; null when there is none.</summary>
    public static async Task<SlotState?> ReadAsync(NpgsqlConnection connection, string slot, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT plugin, database, active, wal_status, restart_lsn, confirmed_flush_lsn, (pg_current_wal_lsn() - confirmed_flush_lsn)::bigint FROM pg_replication_slots WHERE slot_name = $1", connection)
        { Parameters = { new() { Value = slot } } };
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
}
