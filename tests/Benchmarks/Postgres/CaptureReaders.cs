using System.Diagnostics;
using System.Globalization;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Import;
using FeatureStore.Ingest.Postgres;
using FeatureStore.OfflineStore.Lake;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;

namespace FeatureStore.Benchmarks.Postgres;

/// <summary>The two that read a slot, each in a process of its own: ours, and one that drops what it reads.</summary>
internal static class CaptureReaders
{
    public const string Ours = "ours";
    public const string Bare = "bare";
    public const string OursLatency = "ours-latency";
    public const string BareLatency = "bare-latency";
    private static readonly ImportTable Table = ImportTable.Transactions;

    /// <summary>One measured run; prints seconds first: of a stream since its load began, of a backlog since the reader began.</summary>
    public static async Task<int> RunChildAsync(string which, CaptureSettings settings)
    {
        var began = Stopwatch.GetTimestamp();
        var stamps = which is OursLatency or BareLatency ? new Stamps() : null;
        var rows = which is Ours or OursLatency ? await CaptureAsync(settings, stamps) : await ReadAsync(settings, stamps);
        var ended = Stopwatch.GetTimestamp();
        ChildRun.Report(Stopwatch.GetElapsedTime(settings.IsUntilCaughtUp ? began : await CaptureSource.BeganAsync(settings.Connection!), ended));
        stamps?.Write(settings.Stamps);
        return rows >= settings.Rows ? 0 : 1;
    }

    /// <summary>Makes the slot, with an empty snapshot, or lands what is there.</summary>
    public static Task<CaptureResult> CatchUpAsync(string connection, string lake) =>
        Open(connection, lake, null).RunAsync(untilCaughtUp: true, resnapshot: false, null, CancellationToken.None);

    private static Capture Open(string connection, string lake, IChangePublisher? publisher) => new(
        new CaptureOptions(
            PostgresAddress.Parse(connection),
            [new CapturedTable(new PostgresTable("public", Table.Name, Table.Columns, [Table.KeyColumn]), ChangeTable.Open(lake, "cdc/transactions", Table.Columns))],
            "bank",
            CaptureSource.Slot,
            CaptureSource.Publication)
        { Publisher = publisher },
        TimeProvider.System);

    private static async Task<long> CaptureAsync(CaptureSettings settings, Stamps? stamps)
    {
        using var ending = new CancellationTokenSource();
        var progress = new Landed(settings.IsUntilCaughtUp ? long.MaxValue : settings.Rows, ending, stamps);
        try
        {
            await Open(settings.Connection!, settings.Lake, stamps).RunAsync(settings.IsUntilCaughtUp, resnapshot: false, progress, ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // All rows are landed.
        }

        return progress.Rows;
    }

    private static async Task<long> ReadAsync(CaptureSettings settings, Stamps? stamps)
    {
        await using var replication = new LogicalReplicationConnection(settings.Connection!);
        await replication.Open();
        using var ending = new CancellationTokenSource();
        var rows = 0L;
        await foreach (var message in replication.StartReplication(
            new PgOutputReplicationSlot(CaptureSource.BareSlot), new PgOutputReplicationOptions(CaptureSource.Publication, PgOutputProtocolVersion.V1, messages: true), ending.Token))
        {
            if (message is InsertMessage insert)
            {
                rows++;
                if (stamps is not null)
                {
                    await stamps.ReadAsync(insert);
                }
            }
            else if (message is CommitMessage commit)
            {
                replication.SetReplicationStatus(commit.TransactionEndLsn);
                if (rows >= settings.Rows)
                {
                    await replication.SendStatusUpdate();
                    break;
                }
            }
        }

        return rows;
    }

    private sealed class Landed(long end, CancellationTokenSource ending, Stamps? stamps) : IProgress<long>
    {
        public long Rows { get; private set; }

        public void Report(long value)
        {
            Rows = value;
            stamps?.Durable(value);
            if (value >= end)
            {
                ending.Cancel();
            }
        }
    }

    /// <summary>When each change was at hand, and durable, in ticks of the monotonic clock.</summary>
    private sealed class Stamps : IChangePublisher
    {
        private readonly List<(long Number, long AtHand)> _atHand = [];
        private readonly List<long> _durable = [];

        public void Publish(PostgresTable table, LogMessage message)
        {
            var digits = message.Key.AsSpan()[(message.Key.AsSpan().LastIndexOf((byte)'t') + 1)..];
            _atHand.Add((long.Parse(digits[..digits.IndexOf((byte)'"')], CultureInfo.InvariantCulture), Stopwatch.GetTimestamp()));
        }

        public void Flush()
        {
        }

        public async Task ReadAsync(InsertMessage insert)
        {
            var column = 0;
            await foreach (var value in insert.NewRow)
            {
                var text = await value.Get<string>();
                if (column++ == 1)
                {
                    _atHand.Add((long.Parse(text.AsSpan(1), CultureInfo.InvariantCulture), Stopwatch.GetTimestamp()));
                }
            }
        }

        /// <summary>So many changes, in the order in which they came, are durable.</summary>
        public void Durable(long rows)
        {
            var now = Stopwatch.GetTimestamp();
            while (_durable.Count < rows)
            {
                _durable.Add(now);
            }
        }

        /// <summary>A line for each change: number, at hand, durable (0 for never).</summary>
        public void Write(string path) => File.WriteAllLines(
            path, _atHand.Select((a, i) => string.Create(CultureInfo.InvariantCulture, $"{a.Number} {a.AtHand} {(i < _durable.Count ? _durable[i] : 0)}")));
    }
}
