using FeatureStore.OfflineStore.Lake;
using Npgsql;

namespace FeatureStore.Ingest.Postgres;

/// <summary>The replication slot, the publication, and how far the lake is: whether they fit together.</summary>
internal sealed class CaptureSlot
{
    private const string Plugin = "pgoutput";
    private const string Prefix = "postgres:";
    private const string Begun = ":begun";
    private readonly CaptureOptions _options;
    private readonly NpgsqlConnection _connection;
    private readonly Publication _publication;

    /// <param name="systemId">The database cluster's own identifier; it is the same as long as its files are. A slot's name is unique in it.</param>
    public CaptureSlot(CaptureOptions options, NpgsqlConnection connection, string systemId)
    {
        (_options, _connection, SystemId, AppId) = (options, connection, systemId, $"{Prefix}{systemId}:{options.Slot}");
        _publication = new Publication(options.Publication, [.. options.Tables.Select(t => t.Source)], options.Address, connection);
    }

    /// <summary>The database cluster's own identifier.</summary>
    public string SystemId { get; }

    /// <summary>Under this name the lake keeps the progress: the end of the last commit.</summary>
    public string AppId { get; }

    /// <summary>End of the last commit that is durable in every table; null before the first snapshot's end.</summary>
    public long? Durable => Progress.TxnVersion(AppId);

    /// <summary>True if this lake began to make the slot.</summary>
    public bool IsBegun => Progress.TxnVersion(BegunId) is not null;

    private string BegunId => AppId + Begun;

    private string PublishedId => $"{AppId}:published:";

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
            : slot.Confirmed + slot.LagBytes is { } newest && newest < end ? $"the server was set back to {CaptureStatus.Text(newest)}"
            : slot.Confirmed is { } from && from > end ? $"the slot begins at {CaptureStatus.Text(from)}: it was made anew, or a snapshot did not end"
            : null;
        return why is null ? null
            : $"Changes after {CaptureStatus.Text(end)} are missing: {why}. Run 'fstore capture --resnapshot', which makes the slot anew and replaces the rows by a snapshot, deletes in the gap included.";
    }

    /// <summary>True if a snapshot is to be taken, and the slot made for it.</summary>
    /// <exception cref="PostgresSourceException">Changes are missing, or the slot is not ours.</exception>
    public bool IsNew(SlotState? state, bool resnapshot)
    {
        if (state is not null)
        {
            EnsureOurs(state);
        }

        if (resnapshot)
        {
            return true;
        }

        var durable = Durable;
        if (Gap(state, durable) is { } gap)
        {
            throw new PostgresSourceException(gap);
        }

        if (durable is null && Captured().FirstOrDefault(c => c.System != SystemId) is { System: { } other })
        {
            throw new PostgresSourceException($"The lake was captured from another database cluster (system identifier {other}) than PostgreSQL at {_options.Address} is ({SystemId}). After an upgrade or a restored dump run 'fstore capture --resnapshot', which replaces the rows by a snapshot; else correct fstore.postgres or fstore.lake.");
        }

        return state is not null && durable is null && !IsBegun
            ? throw new PostgresSourceException($"Slot {_options.Slot} is there already, and this lake knows nothing of it: another one may use it. Name another slot under fstore.postgres.slot, or take this one over with 'fstore capture --resnapshot'.")
            : state is null || durable is null;
    }

    /// <summary>Sees that the server is still the database cluster that was streamed from.</summary>
    /// <param name="before">The identifier before; null for none.</param>
    /// <exception cref="PostgresSourceException">It is another one.</exception>
    public void EnsureSystem(string? before)
    {
        if (before is not null && before != SystemId)
        {
            throw new PostgresSourceException($"PostgreSQL at {_options.Address} is another database cluster now (system identifier {SystemId}, before {before}), whose changes do not go on from the lake's. Correct fstore.postgres, or see 'fstore capture' for the way on from there.");
        }
    }

    /// <summary>Sees that rows of a snapshot will count as newer than all that the lake holds.</summary>
    /// <exception cref="PostgresSourceException">The server's positions are behind the lake's.</exception>
    public async Task EnsureAheadOfLakeAsync(CancellationToken cancellationToken)
    {
        await using var newest = new NpgsqlCommand("SELECT (pg_current_wal_lsn() - '0/0')::bigint", _connection);
        var now = (long)(await newest.ExecuteScalarAsync(cancellationToken))!;
        if (Captured().Select(c => c.Lsn).DefaultIfEmpty().Max() is var held && now < held)
        {
            throw new PostgresSourceException($"PostgreSQL at {_options.Address} is at {CaptureStatus.Text(now)}, and the lake holds changes up to {CaptureStatus.Text(held)}: the server was set back or made anew, and rows of a snapshot would count as older than those. Capture into a new lake, named under fstore.lake.");
        }
    }

    /// <summary>Sees that the publication has everything, and makes it if it is absent and no stream hangs on it.</summary>
    /// <exception cref="PostgresSourceException">The server's settings or the publication do not suit.</exception>
    public async Task EnsurePublicationAsync(bool make, CancellationToken cancellationToken)
    {
        if (!await _publication.EnsureAsync(make, cancellationToken))
        {
            throw new PostgresSourceException(PublicationGone);
        }
    }

    /// <summary>
    /// Notes in the lake by which entries of the publication the tables are published, from a snapshot on. To be called when an older slot is gone and before
    /// the new one is made: whatever ends the process between, the next one sees that the slot is missing, or that an entry is another.
    /// </summary>
    public async Task NotePublishedAsync(CancellationToken cancellationToken)
    {
        foreach (var entry in await _publication.EntriesAsync(cancellationToken))
        {
            Progress.Append([], new LakeTxn($"{PublishedId}{entry}", 1), cancellationToken);
        }
    }

    /// <summary>Sees that no table was out of the publication since the snapshot. A lake of a build that noted no entries begins with what is there.</summary>
    /// <exception cref="PostgresSourceException">One was; what was written meanwhile is in no stream.</exception>
    public async Task EnsureSamePublicationAsync(CancellationToken cancellationToken)
    {
        if (await UnpublishedAsync(cancellationToken) is { } gap)
        {
            throw new PostgresSourceException(gap);
        }

        if (Noted().Count == 0)
        {
            await NotePublishedAsync(cancellationToken);
        }
    }

    /// <summary>Why changes are missing since a table was out of the publication; null if none was, or before the first snapshot's end.</summary>
    public async Task<string?> UnpublishedAsync(CancellationToken cancellationToken)
    {
        var noted = Noted();
        return Durable is null || noted.Count == 0 || (await _publication.EntriesAsync(cancellationToken)).All(e => noted.Contains($"{PublishedId}{e}")) ? null
            : $"A table was taken out of publication {_options.Publication} and added again since the last snapshot, and what was written between is in no stream. Run 'fstore capture --resnapshot', which makes the slot anew and replaces the rows by a snapshot.";
    }

    /// <summary>What to say of a publication that is not there though a stream hangs on it. The server reads a change with the catalogue of its time, so one that is made again does not help.</summary>
    public string PublicationGone => $"Publication {_options.Publication} is gone, and what was written without it cannot be read. Run 'fstore capture --resnapshot', which makes it and the slot anew and replaces the rows by a snapshot.";

    public async Task DropAsync(CancellationToken cancellationToken)
    {
        await using var drop = Command("SELECT pg_drop_replication_slot($1)", _options.Slot);
        await drop.ExecuteNonQueryAsync(cancellationToken);
    }

    private void EnsureOurs(SlotState slot)
    {
        if (slot.Plugin != Plugin || slot.Database != _connection.Database)
        {
            throw new PostgresSourceException($"Slot {_options.Slot} is of plugin '{slot.Plugin}' in database '{slot.Database}', not of {Plugin} in '{_connection.Database}'; name another one under fstore.postgres.slot.");
        }
    }

    // What the lake holds by any slot of any database cluster; notes beside a position have a longer name.
    private IEnumerable<(string System, long Lsn)> Captured() => Progress.TxnVersions()
        .Where(t => t.AppId.StartsWith(Prefix, StringComparison.Ordinal))
        .Select(t => (Parts: t.AppId[Prefix.Length..].Split(':'), t.Version))
        .Where(t => t.Parts.Length == 2)
        .Select(t => (t.Parts[0], t.Version));

    private HashSet<string> Noted() => [.. Progress.TxnVersions().Select(t => t.AppId).Where(id => id.StartsWith(PublishedId, StringComparison.Ordinal))];

    private NpgsqlCommand Command(string sql, string parameter) => new(sql, _connection) { Parameters = { new() { Value = parameter } } };
}
