using Npgsql;
using Npgsql.Replication;

namespace FeatureStore.Ingest.Postgres;

/// <summary>A pair of connections to the source: one that streams, and one beside it that asks.</summary>
internal sealed class CaptureSession : IAsyncDisposable
{
    // Values come as texts, in one form whatever the server's settings are.
    private const string Values = "-c DateStyle=ISO,YMD -c IntervalStyle=postgres -c extra_float_digits=3 -c bytea_output=hex";
    private readonly CaptureOptions _options;
    private readonly TimeProvider _time;
    private readonly NpgsqlConnection _side;
    private readonly LogicalReplicationConnection _replication;

    private CaptureSession(CaptureOptions options, TimeProvider time, NpgsqlConnection side, LogicalReplicationConnection replication, string systemId) =>
        (_options, _time, _side, _replication, Slot) = (options, time, side, replication, new CaptureSlot(options, side, systemId));

    public CaptureSlot Slot { get; }

    /// <exception cref="NpgsqlException">The server cannot be reached, or refuses.</exception>
    public static async Task<CaptureSession> OpenAsync(CaptureOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var settings = new NpgsqlConnectionStringBuilder(options.Address.ConnectionString) { Timezone = "UTC" };
        settings.Options = string.IsNullOrEmpty(settings.Options) ? Values : $"{settings.Options} {Values}";
        var (side, replication) = (new NpgsqlConnection(settings.ToString()), new LogicalReplicationConnection(settings.ToString()));
        try
        {
            await side.OpenAsync(cancellationToken);
            await replication.Open(cancellationToken);
            return new CaptureSession(options, time, side, replication, (await replication.IdentifySystem(cancellationToken)).SystemId);
        }
        catch
        {
            await replication.DisposeAsync();
            await side.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _replication.DisposeAsync();
        await _side.DisposeAsync();
    }

    /// <summary>Sees that server, slot, publication and lake fit together, and takes a snapshot if there was none.</summary>
    /// <returns>Rows of the snapshot.</returns>
    /// <exception cref="PostgresSourceException">They do not fit, or changes are missing.</exception>
    public async Task<long> PrepareAsync(bool resnapshot, CancellationToken cancellationToken)
    {
        var state = await Slot.StateAsync(cancellationToken);
        var isNew = Slot.IsNew(state, resnapshot);
        await Slot.EnsurePublicationAsync(isNew, cancellationToken);
        if (!isNew)
        {
            await Slot.EnsureSamePublicationAsync(cancellationToken);
            return 0;
        }

        await Slot.EnsureAheadOfLakeAsync(cancellationToken);
        Slot.Begin(cancellationToken);
        if (state is not null)
        {
            await Slot.DropAsync(cancellationToken);
        }

        await Slot.NotePublishedAsync(cancellationToken);
        return (await new CaptureSnapshot(_options, Slot, _side, _time).RunAsync(_replication, cancellationToken)).Rows;
    }

    /// <summary>Streams until told to stop, or until all is landed that was committed before.</summary>
    /// <exception cref="NpgsqlException">The connection is lost.</exception>
    /// <exception cref="PostgresSourceException">A change cannot be read or landed.</exception>
    public async Task StreamAsync(bool untilCaughtUp, CaptureTally tally, CancellationToken cancellationToken)
    {
        using var batch = new CaptureBatch(_options, Slot.AppId, _side.Database, _time);
        try
        {
            await new CaptureStream(_options, Slot, _side, _replication, batch, tally, _time).RunAsync(untilCaughtUp, cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedObject)
        {
            // The slot may have gone since it was looked at, or the publication since a change was written.
            throw new PostgresSourceException(Slot.Gap(await Slot.StateAsync(cancellationToken), Slot.Durable) ?? Slot.PublicationGone, e);
        }
    }
}
