using Npgsql;
using Npgsql.Replication;

namespace FeatureStore.Ingest.Postgres;

/// <summary>The stream of a slot, batch by batch into the lake: one is landed while the next is gathered.</summary>
/// <param name="tally">Counts what is landed.</param>
internal sealed class CaptureStream(
    CaptureOptions options, CaptureSlot slot, NpgsqlConnection side, LogicalReplicationConnection replication, CaptureBatch batch, CaptureTally tally, TimeProvider time)
{
    // How long a capture that is told to stop may take to land what it has; the process is ended soon after.
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(10);
    private readonly CaptureMessages _messages = new(options, replication);

    // Of landings and what is told of them; ends some time after the capture is told to stop.
    private readonly CancellationTokenSource _giveUp = new(Timeout.InfiniteTimeSpan, time);
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

    /// <summary>Runs until all is landed that was committed before, or until told to stop; whole transactions that came before that are landed.</summary>
    public async Task RunAsync(bool untilCaughtUp, CancellationToken cancellationToken)
    {
        // What is committed from here on is after the mark in the stream, whatever ran at its time.
        var mark = untilCaughtUp ? Guid.NewGuid().ToString("N") : null;
        if (mark is not null)
        {
            await EmitAsync(mark, cancellationToken);
        }

        using var giveUp = _giveUp;
        await using var stopping = cancellationToken.Register(() => _giveUp.CancelAfter(StopGrace));
        try
        {
            _messages.Begin(batch.DurableLsn);
            while (!cancellationToken.IsCancellationRequested && (mark is null || batch.LastMark != mark || !batch.IsBetweenTransactions))
            {
                if (!_messages.Next.IsCompleted)
                {
                    await WaitAsync(_messages.Next, cancellationToken);
                    continue;
                }

                var (bytes, lsn) = await _messages.TakeAsync();
                batch.Take(bytes.Span, lsn);
                if (batch.IsBetweenTransactions)
                {
                    await SeeToLandingAsync();
                }
            }

            await EndLandingAsync();
            if (!batch.IsEmpty && batch.IsBetweenTransactions)
            {
                BeginLanding();
                await EndLandingAsync();
            }
        }
        finally
        {
            await _landing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_cut is { } cut && _landing.IsCompletedSuccessfully)
            {
                tally.Landed(cut); // The server is not told, so it comes again, and is left out then.
            }

            await _messages.DisposeAsync();
            _stopTick.Dispose();
        }
    }

    /// <summary>Waits for the next message; while none comes, lands what is whole, and sees to WAL that only other tables make.</summary>
    private async Task WaitAsync(Task next, CancellationToken cancellationToken)
    {
        var tick = TickIn(DueIn(), cancellationToken);
        await (_cut is null ? Task.WhenAny(next, tick) : Task.WhenAny(next, tick, _landing));
        if (batch.IsBetweenTransactions)
        {
            await SeeToLandingAsync();
        }

        if (!cancellationToken.IsCancellationRequested && !next.IsCompleted && time.GetElapsedTime(_heartbeatAt) >= options.HeartbeatPeriod)
        {
            _heartbeatAt = time.GetTimestamp();
            if ((await slot.StateAsync(_giveUp.Token))?.LagBytes >= options.HeartbeatBytes)
            {
                await EmitAsync("heartbeat", _giveUp.Token);
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
    private async ValueTask SeeToLandingAsync()
    {
        var isFull = batch.Rows >= options.BatchRows;
        if (_cut is not null && (isFull || _landing.IsCompleted))
        {
            await EndLandingAsync();
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
            BeginLanding();
        }
    }

    private void BeginLanding()
    {
        var cut = batch.Cut();
        _firstCommitAt = 0;

        // A thread of its own: it waits for the disk, and the pool's few have the stream to read.
        (_cut, _landing) = (cut, Task.Factory.StartNew(() => cut.Land(slot.AppId, _giveUp.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
    }

    private async Task EndLandingAsync()
    {
        if (_cut is not { } cut)
        {
            return;
        }

        await _landing;
        _cut = null;
        batch.Landed(cut);
        tally.Landed(cut);

        // Only now: the server forgets what it is told of here.
        await _messages.ConfirmAsync(batch.DurableLsn, _giveUp.Token);
        IngestSteps.Log.PositionNoted();
    }

    private async Task EmitAsync(string text, CancellationToken cancellationToken)
    {
        await using var emit = new NpgsqlCommand("SELECT pg_logical_emit_message(true, $1, $2)", side) { Parameters = { new() { Value = CaptureBatch.MessagePrefix }, new() { Value = text } } };
        await emit.ExecuteNonQueryAsync(cancellationToken);
    }
}
