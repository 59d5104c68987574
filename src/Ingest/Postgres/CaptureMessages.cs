using Npgsql;
using Npgsql.Replication;
using Npgsql.Replication.Internal;
using Npgsql.Replication.PgOutput;
using NpgsqlTypes;

namespace FeatureStore.Ingest.Postgres;

/// <summary>
/// The messages of a slot's stream, and what the server is told of them. A connection that is lost is a transient <see cref="NpgsqlException"/>, however the
/// library tells it.
/// </summary>
internal sealed class CaptureMessages(CaptureOptions options, LogicalReplicationConnection replication) : IAsyncDisposable
{
    private const int BytesKept = 1 << 20;
    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(5);
    private readonly CancellationTokenSource _ending = new();
    private IAsyncEnumerator<XLogDataMessage>? _messages;
    private Task<bool>? _next;
    private byte[] _message = [];

    /// <summary>Ends when the next message is there, or none can come any more; the same task until it is taken.</summary>
    public Task Next => _next ??= _messages!.MoveNextAsync().AsTask();

    /// <param name="durable">The position up to which all is durable; 0 for the slot's own.</param>
    public void Begin(long durable)
    {
        replication.WalReceiverStatusInterval = StatusInterval;
        if (durable > 0)
        {
            replication.SetReplicationStatus(new NpgsqlLogSequenceNumber((ulong)durable));
        }

        _messages = replication.StartLogicalReplication(new PgOutputReplicationSlot(options.Slot), _ending.Token, null, PgOutput.Options(options.Publication)).GetAsyncEnumerator(_ending.Token);
    }

    /// <summary>Takes the next message, and waits for it.</summary>
    /// <returns>Its bytes, until the next is taken, and its position.</returns>
    /// <exception cref="NpgsqlException">The connection is lost, or the server refuses.</exception>
    public async ValueTask<(ReadOnlyMemory<byte> Bytes, long Lsn)> TakeAsync()
    {
        try
        {
            _ = Next;
            if (!await _next!)
            {
                throw new EndOfStreamException("the server ended the stream"); // As it does when it is stopped in order.
            }

            _next = null;
            var message = _messages!.Current;
            var length = (int)message.Data.Length;
            if (_message.Length < length || _message.Length > Math.Max(length, BytesKept))
            {
                _message = new byte[Math.Max(length, Math.Min(2 * _message.Length, BytesKept))];
            }

            await message.Data.ReadExactlyAsync(_message.AsMemory(0, length), _ending.Token);
            return (_message.AsMemory(0, length), (long)(ulong)message.WalStart);
        }
        catch (Exception e) when (IsClosed(e))
        {
            throw Lost(e);
        }
    }

    /// <summary>Tells the server that it may forget what is up to this position.</summary>
    /// <exception cref="NpgsqlException">The connection is lost.</exception>
    public async Task ConfirmAsync(long lsn, CancellationToken cancellationToken)
    {
        try
        {
            replication.SetReplicationStatus(new NpgsqlLogSequenceNumber((ulong)lsn));
            await replication.SendStatusUpdate(cancellationToken);
        }
        catch (Exception e) when (IsClosed(e))
        {
            throw Lost(e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        try
        {
            // An iterator is not ended while it is asked for its next.
            await (_next ?? Task.CompletedTask);
            await (_messages?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
        catch (Exception e) when (e is OperationCanceledException or NpgsqlException or TimeoutException || IsClosed(e))
        {
            // The connection is given up, and what ended the stream is told already.
        }

        _ending.Dispose();
    }

    // Npgsql 10.0.3 takes a broken connection's buffers away under the one that reads while another writes, or the other way round; whoever is second stumbles.
    private static bool IsClosed(Exception e) => e is IOException or InvalidOperationException or NullReferenceException;

    private static NpgsqlException Lost(Exception e) => new(e is EndOfStreamException ? e.Message : "the connection was closed", new IOException(e.Message, e));
}
