using Npgsql;
using Npgsql.Replication;
using Npgsql.Replication.Internal;
using Npgsql.Replication.PgOutput;
using NpgsqlTypes;

namespace FeatureStore.Ingest.Postgres;

/// <summary>The stream of a slot, batch by batch into the lake: one is landed while the next is gathered.</summary>
internal sealed class CaptureStream(
    CaptureOptions options, CaptureSlot slot, NpgsqlConnection side, LogicalReplicationConnection replication, CaptureBatch batch, IProgress<long>? landed, TimeProvider time)
{
    private const int MessageBytesKept = 1 << 20;
    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(5);
    private byte[] _message = [];
    private long _changes;
    private long _heartbeatAt = time.GetTimestamp();

    // What is being landed, or is landed and the server is not told yet; null for nothing.
    private CutBatch? _cut;
    private Task _landing = Task.CompletedTask;

    // Of the batch that is gathered: timestamps of its first (0 for none) and last commit.
    private long _firstCommitAt;
    private long _lastCommitAt;
    private long _seenCommit;
    private Task? _tick;
    private long _tickAt;
    private CancellationTokenSource _stopTick = new();

    /// <returns>Rows of changes landed.</returns>
    public async Task<long> RunAsync(bool untilCaughtUp, CancellationToken cancellationToken)
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
        var messages = replication.StartLogicalReplication(new PgOutputReplicationSlot(options.Slot), ending.Token, null, PgOutput.Options(options.Publication)).GetAsyncEnumerator(ending.Token);
        Task<bool>? next = null;
        try
        {
            while (mark is null || batch.LastMark != mark || !batch.IsBetweenTransactions)
            {
                next ??= messages.MoveNextAsync().AsTask();
                if (!next.IsCompleted)
                {
                    await WaitAsync(next, cancellationToken);
                    continue;
                }

                if (!await next)
                {
                    throw new PostgresSourceException($"PostgreSQL at {options.Address} ended the stream of slot {options.Slot}; run the command again.");
                }

                next = null;
                await TakeAsync(messages.Current, cancellationToken);
                if (batch.IsBetweenTransactions)
                {
                    await SeeToLandingAsync(cancellationToken);
                }
            }

            await EndLandingAsync(cancellationToken);
            if (!batch.IsEmpty)
            {
                BeginLanding(cancellationToken);
                await EndLandingAsync(cancellationToken);
            }

            return _changes;
        }
        finally
        {
            await _landing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await ending.CancelAsync();
            await EndAsync(messages, next);
            _stopTick.Dispose();
        }
    }

    private async ValueTask TakeAsync(XLogDataMessage message, CancellationToken cancellationToken)
    {
        var length = (int)message.Data.Length;
        if (_message.Length < length)
        {
            _message = new byte[Math.Max(length, 2 * _message.Length)];
        }

        await message.Data.ReadExactlyAsync(_message.AsMemory(0, length), cancellationToken);
        batch.Take(_message.AsSpan(0, length), (long)(ulong)message.WalStart);
        if (length > MessageBytesKept)
        {
            _message = [];
        }
    }

    // An iterator is not ended while it is asked for its next.
    private static async Task EndAsync(IAsyncEnumerator<XLogDataMessage> messages, Task<bool>? next)
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
    private async Task WaitAsync(Task<bool> next, CancellationToken cancellationToken)
    {
        var tick = TickIn(DueIn(), cancellationToken);
        await (_cut is null ? Task.WhenAny(next, tick) : Task.WhenAny(next, tick, _landing));
        cancellationToken.ThrowIfCancellationRequested();
        if (batch.IsBetweenTransactions)
        {
            await SeeToLandingAsync(cancellationToken);
        }

        if (!next.IsCompleted && time.GetElapsedTime(_heartbeatAt) >= options.HeartbeatPeriod)
        {
            _heartbeatAt = time.GetTimestamp();
            if ((await slot.StateAsync(cancellationToken))?.LagBytes >= options.HeartbeatBytes)
            {
                await EmitAsync("heartbeat", cancellationToken);
            }
        }
    }

    /// <summary>How long it is until something has to be seen to though no message comes and no landing ends.</summary>
    private TimeSpan DueIn()
    {
        var due = options.HeartbeatPeriod - time.GetElapsedTime(_heartbeatAt);
        if (batch.IsBetweenTransactions && !batch.IsEmpty && _cut is null)
        {
            var (silent, whole) = (options.Linger - time.GetElapsedTime(_lastCommitAt), options.LingerMax - time.GetElapsedTime(_firstCommitAt));
            due = TimeSpan.FromTicks(Math.Min(due.Ticks, Math.Min(silent.Ticks, whole.Ticks)));
        }

        return due > TimeSpan.Zero ? due : TimeSpan.Zero;
    }

    // One timer goes on over many messages, as each moves the end of the silence: when it comes too early, the next one is set.
    private Task TickIn(TimeSpan due, CancellationToken cancellationToken)
    {
        var at = time.GetTimestamp() + (long)(due.TotalSeconds * time.TimestampFrequency);
        if (_tick is null || _tick.IsCompleted || at < _tickAt)
        {
            _stopTick.Cancel();
            _stopTick.Dispose();
            _stopTick = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            (_tick, _tickAt) = (Task.Delay(due, time, _stopTick.Token), at);
        }

        return _tick;
    }

    /// <summary>
    /// Between transactions: tells the server of a landing that has ended, and begins the next when it is due. One runs at a time, beside the stream; a batch
    /// that is full waits for it, so that no more than two are in memory.
    /// </summary>
    private async ValueTask SeeToLandingAsync(CancellationToken cancellationToken)
    {
        var isFull = batch.Rows >= options.BatchRows;
        if (_cut is not null && (isFull || _landing.IsCompleted))
        {
            await EndLandingAsync(cancellationToken);
        }

        if (batch.IsEmpty)
        {
            return;
        }

        if (batch.CommitLsn != _seenCommit)
        {
            (_seenCommit, _lastCommitAt) = (batch.CommitLsn, time.GetTimestamp());
            _firstCommitAt = _firstCommitAt == 0 ? _lastCommitAt : _firstCommitAt;
        }

        if (_cut is null && (isFull || time.GetElapsedTime(_lastCommitAt) >= options.Linger || time.GetElapsedTime(_firstCommitAt) >= options.LingerMax))
        {
            BeginLanding(cancellationToken);
        }
    }

    private void BeginLanding(CancellationToken cancellationToken)
    {
        var cut = batch.Cut();
        _firstCommitAt = 0;

        // A thread of its own: it waits for the disk, and the pool's few have the stream to read.
        (_cut, _landing) = (cut, Task.Factory.StartNew(() => cut.Land(slot.AppId, cancellationToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
    }

    private async Task EndLandingAsync(CancellationToken cancellationToken)
    {
        if (_cut is not { } cut)
        {
            return;
        }

        await _landing;
        _cut = null;
        batch.Landed(cut);
        _changes += cut.Rows;

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
