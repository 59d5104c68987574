using Npgsql;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;
using NpgsqlTypes;

namespace FeatureStore.Ingest.Postgres;

/// <summary>The stream of a slot, batch by batch into the lake.</summary>
internal sealed class CaptureStream(
    CaptureOptions options, CaptureSlot slot, NpgsqlConnection side, LogicalReplicationConnection replication, CaptureBatch batch, TimeProvider time)
{
    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(5);
    private long _changes;
    private long _heartbeatAt = time.GetTimestamp();

    /// <returns>Rows of changes landed.</returns>
    public async Task<long> RunAsync(bool untilCaughtUp, IProgress<long>? landed, CancellationToken cancellationToken)
    {
        // What is committed from here on is after the mark in the stream, whatever ran at its time.
        var mark = untilCaughtUp ? Guid.NewGuid().ToString("N") : null;
        if (mark is not null)
        {
            await EmitAsync(mark, cancellationToken);
        }

        replication.WalReceiverStatusInterval = StatusInterval;
        if (batch.DurableLsn > 0)
        {
            replication.SetReplicationStatus(new NpgsqlLogSequenceNumber((ulong)batch.DurableLsn));
        }

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var messages = replication.StartReplication(
            new PgOutputReplicationSlot(options.Slot),
            new PgOutputReplicationOptions(options.Publication, PgOutputProtocolVersion.V1, messages: true),
            ending.Token).GetAsyncEnumerator(ending.Token);
        Task<bool>? next = null;
        try
        {
            while (mark is null || batch.LastMark != mark || !batch.IsBetweenTransactions)
            {
                next ??= messages.MoveNextAsync().AsTask();
                await WaitAsync(next, landed, cancellationToken);
                if (!next.IsCompleted)
                {
                    continue;
                }

                if (!await next)
                {
                    throw new PostgresSourceException($"PostgreSQL at {options.Address} ended the stream of slot {options.Slot}; run the command again.");
                }

                next = null;
                await batch.TakeAsync(messages.Current, cancellationToken);
                if (batch.IsBetweenTransactions && batch.Rows >= options.BatchRows)
                {
                    await LandAsync(landed, cancellationToken);
                }
            }

            await LandAsync(landed, cancellationToken);
            return _changes;
        }
        finally
        {
            await ending.CancelAsync();
            await EndAsync(messages, next);
        }
    }

    // An iterator is not ended while it is asked for its next.
    private static async Task EndAsync(IAsyncEnumerator<PgOutputReplicationMessage> messages, Task<bool>? next)
    {
        try
        {
            if (next is not null)
            {
                await next;
            }

            await messages.DisposeAsync();
        }
        catch (Exception e) when (e is OperationCanceledException or NpgsqlException or IOException or TimeoutException or ObjectDisposedException)
        {
            // The connection is given up, and what ended the stream is told already.
        }
    }

    /// <summary>Waits for the next message; while none comes, lands what is whole, and sees to WAL that only other tables make.</summary>
    private async Task WaitAsync(Task<bool> next, IProgress<long>? landed, CancellationToken cancellationToken)
    {
        if (next.IsCompleted)
        {
            return;
        }

        var isWaiting = batch.IsBetweenTransactions && !batch.IsEmpty;
        using var given = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(next, Task.Delay(isWaiting ? options.Linger : options.HeartbeatPeriod, time, given.Token));
        await given.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        if (next.IsCompleted)
        {
            return;
        }

        if (isWaiting)
        {
            await LandAsync(landed, cancellationToken);
        }

        if (time.GetElapsedTime(_heartbeatAt) >= options.HeartbeatPeriod)
        {
            _heartbeatAt = time.GetTimestamp();
            if ((await slot.StateAsync(cancellationToken))?.LagBytes >= options.HeartbeatBytes)
            {
                await EmitAsync("heartbeat", cancellationToken);
            }
        }
    }

    private async Task LandAsync(IProgress<long>? landed, CancellationToken cancellationToken)
    {
        if (batch.IsEmpty)
        {
            return;
        }

        _changes += batch.Rows;
        batch.Land(slot.AppId, cancellationToken);
        IngestSteps.Log.BatchLanded();

        // Only now: the server forgets what it is told of here.
        replication.SetReplicationStatus(new NpgsqlLogSequenceNumber((ulong)batch.DurableLsn));
        await replication.SendStatusUpdate(cancellationToken);
        IngestSteps.Log.PositionNoted();
        landed?.Report(_changes);
    }

    private async Task EmitAsync(string text, CancellationToken cancellationToken)
    {
        await using var emit = new NpgsqlCommand("SELECT pg_logical_emit_message(true, $1, $2)", side) { Parameters = { new() { Value = CaptureBatch.MessagePrefix }, new() { Value = text } } };
        await emit.ExecuteNonQueryAsync(cancellationToken);
    }
}
