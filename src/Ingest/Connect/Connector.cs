using FeatureStore.Ingest.Postgres;
using Npgsql;

namespace FeatureStore.Ingest.Connect;

/// <summary>A connector with what belongs to it in PostgreSQL. A worker calls a connector RUNNING that delivers nothing, so the slot is asked too.</summary>
public sealed class Connector(ConnectorOptions options, ConnectClient client)
{
    // A slot that holds more is behind for long, or its reader does not confirm.
    private const long LagBytesMax = 1L << 30;
    private const string Running = "RUNNING";

    /// <summary>Makes what is absent: the heartbeat's table, the publication, the connector; changes the connector if it is registered otherwise.</summary>
    /// <exception cref="ConnectException">The worker cannot be reached, or refuses.</exception>
    /// <exception cref="PostgresSourceException">The server cannot be reached, or does not suit.</exception>
    public async Task<Registration> RegisterAsync(CancellationToken cancellationToken)
    {
        await OnDatabaseAsync(async connection =>
        {
            await using var table = new NpgsqlCommand($"CREATE TABLE IF NOT EXISTS {options.Heartbeat} (id int PRIMARY KEY, at timestamptz NOT NULL)", connection);
            await table.ExecuteNonQueryAsync(cancellationToken);
            await Publication(connection).EnsureAsync(make: true, cancellationToken);
            return true;
        });
        var (wanted, present) = (options.Config(), await client.ConfigAsync(cancellationToken));

        // Connect adds the name to what it was given.
        var changed = present is null ? []
            : wanted.Keys.Union(present.Keys.Where(k => k != "name")).Where(k => wanted.GetValueOrDefault(k) != present.GetValueOrDefault(k)).Order(StringComparer.Ordinal).ToList();
        if (present is null || changed.Count > 0)
        {
            // Not otherwise: each time it starts the tasks anew.
            await client.PutAsync(wanted, cancellationToken);
        }

        return new Registration(present is null ? "registered" : changed.Count > 0 ? "changed" : "unchanged", changed);
    }

    /// <summary>The connector as the worker tells of it, the slot as the database does, and what is wrong with either.</summary>
    /// <exception cref="ConnectException">The worker cannot be reached, or refuses.</exception>
    public async Task<ConnectorHealth> StatusAsync(CancellationToken cancellationToken)
    {
        var state = await client.StatusAsync(cancellationToken);
        var faults = new List<string>();
        if (state is null)
        {
            faults.Add("The connector is not registered; run 'fstore connector register'.");
        }
        else
        {
            faults.AddRange(Faults(state));
        }

        SlotState? slot = null;
        try
        {
            slot = await OnDatabaseAsync(async connection =>
            {
                if (await Publication(connection).LackAsync(cancellationToken) is { } lack)
                {
                    faults.Add(lack);
                }

                return await SlotState.ReadAsync(connection, options.Slot, cancellationToken);
            });
            faults.AddRange(Faults(slot, isRunning: state is { State: Running }));
        }
        catch (PostgresSourceException e)
        {
            faults.Add(e.Message);
        }

        return new ConnectorHealth(
            state?.State ?? "absent",
            state?.Tasks ?? [],
            options.Slot,
            slot?.Active,
            slot?.WalStatus,
            slot?.Confirmed is { } confirmed ? CaptureStatus.Text(confirmed) : null,
            slot?.LagBytes,
            faults);
    }

    /// <summary>True if the slot is there: it outlives its connector, and holds WAL.</summary>
    /// <exception cref="PostgresSourceException">The server cannot be reached, or refuses.</exception>
    public Task<bool> HasSlotAsync(CancellationToken cancellationToken) =>
        OnDatabaseAsync(async connection => await SlotState.ReadAsync(connection, options.Slot, cancellationToken) is not null);

    private static IEnumerable<string> Faults(ConnectorState state)
    {
        if (state.State != Running)
        {
            yield return state.State is "PAUSED" or "STOPPED"
                ? $"The connector is {state.State}, and its slot holds WAL all the while; run 'fstore connector resume'."
                : $"The connector is {state.State}{(state.Trace is null ? string.Empty : $": {state.Trace}")}; put that right, and run 'fstore connector restart'.";
        }
        else if (state.Tasks.Count == 0)
        {
            yield return "The connector is RUNNING without a task, so it delivers nothing: it cannot get its slot, or the worker has not begun. If that stays, look at the slot and the worker's log.";
        }

        foreach (var task in state.Tasks.Where(t => t.State is not (Running or "PAUSED")))
        {
            yield return $"Task {task.Id} is {task.State}{(task.Trace is null ? string.Empty : $": {task.Trace}")}; put that right, and run 'fstore connector restart --only-failed'.";
        }
    }

    private IEnumerable<string> Faults(SlotState? slot, bool isRunning)
    {
        if (slot is null)
        {
            yield return $"PostgreSQL has no slot {options.Slot}. If the connector ever ran, changes since are lost to it: register it anew with a snapshot, and let ingest replace the rows.";
        }
        else if (slot.IsLost)
        {
            yield return $"PostgreSQL gave up the WAL of slot {options.Slot} (wal_status lost): changes are lost to the connector, whatever it says. Delete the connector, drop the slot, and register it anew with a snapshot.";
        }
        else
        {
            if (isRunning && !slot.Active)
            {
                yield return $"The connector is RUNNING, and nobody reads slot {options.Slot}: it delivers nothing. Run 'fstore connector restart', and look at the worker's log.";
            }

            if (slot.LagBytes > LagBytesMax || slot.WalStatus == "unreserved")
            {
                yield return $"Slot {options.Slot} is {slot.LagBytes:N0} bytes behind (wal_status {slot.WalStatus}), which PostgreSQL must keep. See that the connector confirms what it delivers, and that it is fast enough.";
            }
        }
    }

    private Publication Publication(NpgsqlConnection connection) => new(options.Publication, options.AllTables, options.Address, connection);

    private async Task<T> OnDatabaseAsync<T>(Func<NpgsqlConnection, Task<T>> work)
    {
        await using var connection = await options.Address.OpenAsync(CancellationToken.None);
        try
        {
            return await work(connection);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            throw options.Address.Failure(e);
        }
    }
}

/// <summary>What a registration did.</summary>
/// <param name="Changed">Names of the settings that were otherwise.</param>
public sealed record Registration(string Outcome, IReadOnlyList<string> Changed);

/// <summary>A connector and its slot.</summary>
/// <param name="SlotActive">Null where the database could not be asked, or has no such slot.</param>
/// <param name="LagBytes">WAL between the confirmed position and the server's newest.</param>
/// <param name="Faults">What is wrong, each with the way out; none if changes are delivered.</param>
public sealed record ConnectorHealth(
    string State, IReadOnlyList<ConnectorTask> Tasks, string Slot, bool? SlotActive, string? WalStatus, string? ConfirmedLsn, long? LagBytes, IReadOnlyList<string> Faults);
