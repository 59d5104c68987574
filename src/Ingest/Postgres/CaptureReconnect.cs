using System.Globalization;
using Npgsql;

namespace FeatureStore.Ingest.Postgres;

/// <summary>Whether and when a lost connection of a capture is tried again.</summary>
internal sealed class CaptureReconnect(CaptureOptions options, TimeProvider time)
{
    private const string IdleSessionTimeout = "57P05";
    private static readonly HashSet<string> Passing =
    [
        PostgresErrorCodes.AdminShutdown, PostgresErrorCodes.CrashShutdown, PostgresErrorCodes.CannotConnectNow, IdleSessionTimeout, PostgresErrorCodes.TooManyConnections,
        PostgresErrorCodes.ConnectionException, PostgresErrorCodes.ConnectionFailure, PostgresErrorCodes.ConnectionDoesNotExist,
    ];

    private int _sessions;
    private long? _readyAt;
    private int _tries;

    /// <summary>The database cluster that was streamed from; null before the first stream was reached.</summary>
    public string? SystemId { get; private set; }

    /// <summary>Notes that a stream is about to begin.</summary>
    /// <param name="durable">Where it goes on.</param>
    public void Ready(string systemId, long durable)
    {
        if (_tries > 0)
        {
            options.Note?.Invoke($"PostgreSQL at {options.Address} answers again; capture goes on from {CaptureStatus.Text(durable)}.");
        }

        (SystemId, _readyAt, _sessions) = (systemId, time.GetTimestamp(), _sessions + 1);
    }

    /// <summary>True if waiting may heal it. Before the first stream nothing does: a setting may be wrong.</summary>
    public bool MayPass(Exception e) => SystemId is not null && e switch
    {
        // A session of ours that the server does not know to be lost holds the slot until its wal_sender_timeout; at the first it is somebody else's.
        PostgresException { SqlState: PostgresErrorCodes.ObjectInUse } => _sessions > 1,
        PostgresException server => Passing.Contains(server.SqlState),
        NpgsqlException client => client.IsTransient,
        _ => e is TimeoutException,
    };

    /// <summary>Tells of the loss, and waits.</summary>
    /// <returns>False if told to stop.</returns>
    public async Task<bool> PauseAsync(Exception e, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return false;
        }

        // Only a stream that stood for a while begins the pauses anew: one that breaks at once, again and again, is tried more and more seldom.
        if (_readyAt is { } at && time.GetElapsedTime(at) >= options.ReconnectPauseMax)
        {
            _tries = 0;
        }

        _readyAt = null;
        var pause = Pause(++_tries);
        options.Note?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{options.Address.Trouble(e)}. Capture tries again in {pause.TotalSeconds:0.0} s (try {_tries})."));
        try
        {
            await Task.Delay(pause, time, cancellationToken);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    // Between half the bound and the bound, drawn anew: captures that lost one server together do not come back together. No secret hangs on it.
    private TimeSpan Pause(int tries)
    {
        var bound = options.ReconnectPause;
        for (var i = 1; i < tries && bound < options.ReconnectPauseMax; i++)
        {
            bound *= 2;
        }

        bound = bound < options.ReconnectPauseMax ? bound : options.ReconnectPauseMax;
        return bound * ((1 + Random.Shared.NextDouble()) / 2);
    }
}
