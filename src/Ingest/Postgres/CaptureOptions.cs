using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Postgres;

/// <summary>A source table and the change table that it is captured into.</summary>
public sealed record CapturedTable(PostgresTable Source, ChangeTable Lake);

/// <summary>What is captured, and how.</summary>
/// <param name="Tables">The last of them holds the progress: it is landed after the others.</param>
/// <param name="Source">Name of the source in the lake, as a connector's topic prefix.</param>
/// <param name="Slot">The replication slot; lower-case letters, digits and underscores.</param>
public sealed record CaptureOptions(PostgresAddress Address, IReadOnlyList<CapturedTable> Tables, string Source, string Slot, string Publication)
{
    /// <summary>Gets every event too, before it is landed; null for none.</summary>
    public IChangePublisher? Publisher { get; init; }

    /// <summary>Told of a server that went away and came back; null for nobody.</summary>
    public Action<string>? Note { get; init; }

    /// <summary>Bound of the pause before a lost connection is tried again; it doubles with each try.</summary>
    public TimeSpan ReconnectPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Bound of the longest pause.</summary>
    public TimeSpan ReconnectPauseMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Committed rows after which a batch is landed although more are at hand.</summary>
    public int BatchRows { get; init; } = 50_000;

    /// <summary>Rows of a table in memory; what a transaction has beyond them waits in a file.</summary>
    public int MemoryRowsMax { get; init; } = 100_000;

    /// <summary>How long committed rows wait for others to be landed with, when none come.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long they wait while others keep coming. Each commit makes files of its own, so shorter is fresher and makes more of them.</summary>
    public TimeSpan LingerMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often it is looked whether WAL of other tables is held.</summary>
    public TimeSpan HeartbeatPeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>WAL behind the server after which a heartbeat is written; bytes. The server keeps whole segments of 16 MiB anyway.</summary>
    public long HeartbeatBytes { get; init; } = 16L << 20;
}

/// <summary>What a capture did.</summary>
/// <param name="Snapshot">Rows of the snapshot.</param>
/// <param name="Changes">Rows of streamed changes.</param>
/// <param name="Transactions">Transactions with such changes.</param>
/// <param name="DurableLsn">End of the last commit that is durable in the lake.</param>
public sealed record CaptureResult(long Snapshot, long Changes, long Transactions, long DurableLsn);

/// <summary>The slot as the server tells of it, beside the lake.</summary>
/// <param name="State"><c>streaming</c>, <c>idle</c>, <c>never made</c>, or <c>gap</c>.</param>
/// <param name="WalStatus">The server's word: reserved, extended, unreserved, lost; null without a slot.</param>
/// <param name="LagBytes">WAL between the confirmed position and the server's newest.</param>
/// <param name="Gap">What is missing and the way out; null if nothing is.</param>
public sealed record CaptureStatus(string Slot, string State, string? WalStatus, string? RestartLsn, string? ConfirmedLsn, string? DurableLsn, long? LagBytes, string? Gap)
{
    /// <summary>A position as PostgreSQL writes it.</summary>
    public static string Text(long lsn) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{lsn >> 32:X}/{(uint)lsn:X}");
}
