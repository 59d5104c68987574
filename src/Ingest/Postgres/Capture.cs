using FeatureStore.OfflineStore.Lake.Places.S3;
using Npgsql;
using Npgsql.Replication;

namespace FeatureStore.Ingest.Postgres;

/// <summary>
/// Captures the changes of PostgreSQL tables into the lake: a snapshot as of the slot's start, then the stream. The server is told of a position only
/// after everything up to it is durable in the lake, and the lake keeps that position with the rows, so a kill at any point loses and doubles nothing.
/// </summary>
public sealed class Capture(CaptureOptions options, TimeProvider time)
{
    // Values come as texts, in one form whatever the server's settings are.
    private const string Session = "-c DateStyle=ISO,YMD -c IntervalStyle=postgres -c extra_float_digits=3 -c bytea_output=hex";

    private PostgresAddress Address => options.Address;

    /// <summary>Captures until told to stop.</summary>
    /// <param name="untilCaughtUp">End when all that was committed before the start of the stream is landed.</param>
    /// <param name="resnapshot">Make the slot anew and replace the rows by a snapshot.</param>
    /// <exception cref="PostgresSourceException">The server cannot be reached or does not suit, changes are missing, or a change cannot be landed.</exception>
    public async Task<CaptureResult> RunAsync(bool untilCaughtUp, bool resnapshot, IProgress<long>? landed, CancellationToken cancellationToken)
    {
        try
        {
            await using var side = await OpenAsync(cancellationToken);
            await using var replication = new LogicalReplicationConnection(Settings());
            await replication.Open(cancellationToken);
            var slot = new CaptureSlot(options, side, (await replication.IdentifySystem(cancellationToken)).SystemId);
            await slot.EnsurePublicationAsync(cancellationToken);
            var isNew = await IsNewAsync(slot, resnapshot, cancellationToken);
            var rows = isNew ? (await new CaptureSnapshot(options, slot, side, time).RunAsync(replication, cancellationToken)).Rows : 0;
            using var batch = new CaptureBatch(options, slot.AppId, side.Database, time);
            var changes = await new CaptureStream(options, slot, side, replication, batch, landed, time).RunAsync(untilCaughtUp, cancellationToken);
            return new CaptureResult(rows, changes, batch.Transactions, batch.DurableLsn);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or (IOException and not S3Exception) && !cancellationToken.IsCancellationRequested)
        {
            throw Address.Failure(e);
        }
    }

    /// <summary>The slot beside the lake.</summary>
    /// <exception cref="PostgresSourceException">The server cannot be reached, or refuses.</exception>
    public async Task<CaptureStatus> StatusAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var side = await OpenAsync(cancellationToken);
            await using var replication = new LogicalReplicationConnection(Settings());
            await replication.Open(cancellationToken);
            var slot = new CaptureSlot(options, side, (await replication.IdentifySystem(cancellationToken)).SystemId);
            var (state, durable) = (await slot.StateAsync(cancellationToken), slot.Durable);
            var gap = slot.Gap(state, durable);
            var word = gap is not null ? "gap" : state is null ? "never made" : state.Active ? "streaming" : "idle";
            static string? Text(long? lsn) => lsn is { } value ? CaptureStatus.Text(value) : null;
            return new CaptureStatus(options.Slot, word, state?.WalStatus, Text(state?.Restart), Text(state?.Confirmed), Text(durable), state?.LagBytes, gap);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            throw Address.Failure(e);
        }
    }

    private async Task<bool> IsNewAsync(CaptureSlot slot, bool resnapshot, CancellationToken cancellationToken)
    {
        var (state, durable) = (await slot.StateAsync(cancellationToken), slot.Durable);
        if (state is not null)
        {
            slot.EnsureOurs(state);
        }

        if (!resnapshot && slot.Gap(state, durable) is { } gap)
        {
            throw new PostgresSourceException(gap);
        }

        if (!resnapshot && state is not null && durable is not null)
        {
            return false;
        }

        if (!resnapshot && state is not null && !slot.IsBegun)
        {
            throw new PostgresSourceException($"Slot {options.Slot} is there already, and this lake knows nothing of it: another one may use it. Name another slot under fstore.postgres.slot, or take this one over with 'fstore capture --resnapshot'.");
        }

        slot.Begin(cancellationToken);
        if (state is not null)
        {
            await slot.DropAsync(cancellationToken);
        }

        return true;
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(Settings());
        await connection.OpenAsync(cancellationToken);
        return connection;
    }

    private string Settings()
    {
        var settings = new NpgsqlConnectionStringBuilder(Address.ConnectionString) { Timezone = "UTC" };
        settings.Options = string.IsNullOrEmpty(settings.Options) ? Session : $"{settings.Options} {Session}";
        return settings.ToString();
    }
}
