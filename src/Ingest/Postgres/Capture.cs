using Npgsql;

namespace FeatureStore.Ingest.Postgres;

/// <summary>
/// Captures the changes of PostgreSQL tables into the lake: a snapshot as of the slot's start, then the stream. The server is told of a position only
/// after everything up to it is durable in the lake, and the lake keeps that position with the rows, so a kill at any point loses and doubles nothing.
/// </summary>
public sealed class Capture(CaptureOptions options, TimeProvider time)
{
    /// <summary>
    /// Captures until told to stop. A server that goes away once the stream was reached is waited for, and the stream goes on from what the lake holds.
    /// Transactions that came whole before the stop are landed.
    /// </summary>
    /// <param name="untilCaughtUp">End when all that was committed before the start of the stream is landed; a server that goes away ends it too.</param>
    /// <param name="resnapshot">Make the slot anew and replace the rows by a snapshot.</param>
    /// <exception cref="PostgresSourceException">The server cannot be reached at first, or does not suit; changes are missing, or a change cannot be landed.</exception>
    /// <exception cref="OperationCanceledException">Told to stop before the stream was reached, or before it was caught up with.</exception>
    public async Task<CaptureResult> RunAsync(bool untilCaughtUp, bool resnapshot, IProgress<long>? landed, CancellationToken cancellationToken)
    {
        var (tally, reconnect) = (new CaptureTally(landed), new CaptureReconnect(options, time));
        while (true)
        {
            try
            {
                await using var session = await CaptureSession.OpenAsync(options, time, cancellationToken);
                session.Slot.EnsureSystem(reconnect.SystemId);
                tally.Snapshot += await session.PrepareAsync(resnapshot && reconnect.SystemId is null, cancellationToken);
                tally.Durable = session.Slot.Durable ?? 0;
                reconnect.Ready(session.Slot.SystemId, tally.Durable);
                await session.StreamAsync(untilCaughtUp, tally, cancellationToken);
                break;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && reconnect.SystemId is not null && !untilCaughtUp)
            {
                break;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                if (untilCaughtUp || !reconnect.MayPass(e))
                {
                    throw options.Address.Failure(e);
                }

                if (!await reconnect.PauseAsync(e, cancellationToken))
                {
                    break;
                }
            }
        }

        if (untilCaughtUp)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }

        return tally.Result();
    }

    /// <summary>The slot beside the lake.</summary>
    /// <exception cref="PostgresSourceException">The server cannot be reached, or refuses.</exception>
    public async Task<CaptureStatus> StatusAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var session = await CaptureSession.OpenAsync(options, time, cancellationToken);
            var slot = session.Slot;
            var (state, durable) = (await slot.StateAsync(cancellationToken), slot.Durable);
            var gap = slot.Gap(state, durable) ?? await slot.UnpublishedAsync(cancellationToken);
            var word = gap is not null ? "gap" : state is null ? "never made" : state.Active ? "streaming" : "idle";
            static string? Text(long? lsn) => lsn is { } value ? CaptureStatus.Text(value) : null;
            return new CaptureStatus(options.Slot, word, state?.WalStatus, Text(state?.Restart), Text(state?.Confirmed), Text(durable), state?.LagBytes, gap);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            throw options.Address.Failure(e);
        }
    }
}
