using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Postgres;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Ingest.Tests.Postgres;

public sealed class CaptureTests
{
    private const string Rows =
        "INSERT INTO t SELECT 'k' || n, n * 0.1, 'v', timestamp '2026-01-05' + n * interval '1 hour', '{}', n, date '2026-01-05' + n, n % 2 = 0, n * 10000000000, n / 7.0 FROM generate_series(1, 100) n;";

    [SkippableFact]
    public async Task Capture_SnapshotThenEveryKindOfChange_HoldsTheSourcesRows()
    {
        await using var bank = await CaptureBank.StartAsync();
        await bank.RunAsync(Rows);
        var first = await bank.CatchUpAsync();
        Assert.Equal((100, 0), (first.Snapshot, first.Changes));
        await bank.AssertEqualAsync();

        await bank.RunAsync("UPDATE t SET amount = amount + 1 WHERE age <= 10; DELETE FROM t WHERE age BETWEEN 11 AND 20; UPDATE t SET id = 'new' || id WHERE age BETWEEN 21 AND 30");
        await bank.RunAsync("INSERT INTO t (id) VALUES ('nulls'), ('ünï\"'); INSERT INTO t (id, amount, time, day, price) VALUES ('odd', 'NaN', '1970-01-02', '0001-01-01', -0.05), ('far', 1e300, '9999-12-31 23:59:59.999999', '9999-12-31', 0)");
        await bank.RunAsync("BEGIN; INSERT INTO t (id) VALUES ('never'); ROLLBACK; BEGIN; INSERT INTO t (id) VALUES ('kept'); SAVEPOINT s; INSERT INTO t (id) VALUES ('lost'); ROLLBACK TO s; COMMIT");
        var second = await bank.CatchUpAsync();
        Assert.Equal((0, 45, 3), (second.Snapshot, second.Changes, second.Transactions));
        await bank.AssertEqualAsync();

        await bank.RunAsync("TRUNCATE t; INSERT INTO t (id, vendor) VALUES ('k1', 'again')");
        await bank.CatchUpAsync();
        Assert.Equal(["k1|∅|again|∅|∅|∅|∅|∅|∅"], bank.LakeRows());
        await bank.AssertEqualAsync();
    }

    [SkippableTheory]
    [InlineData("DEFAULT")]
    [InlineData("FULL")]
    public async Task Capture_UnchangedLargeValuesAndKeyChange_KeepsTheValues(string identity)
    {
        await using var bank = await CaptureBank.StartAsync();
        await bank.RunAsync($"ALTER TABLE t REPLICA IDENTITY {identity}; ALTER TABLE t ALTER vendor SET STORAGE EXTERNAL; INSERT INTO t (id, vendor) VALUES ('a', repeat('xyz', 4000))");
        await bank.CatchUpAsync();
        await bank.RunAsync("UPDATE t SET amount = 2 WHERE id = 'a'; UPDATE t SET id = 'b' WHERE id = 'a'; UPDATE t SET amount = 3 WHERE id = 'b'; INSERT INTO t (id, vendor) VALUES ('c', 'short'); DELETE FROM t WHERE id = 'c'");
        await bank.CatchUpAsync();
        Assert.StartsWith("b|3|12000:xyz", Assert.Single(bank.LakeRows()), StringComparison.Ordinal);
        await bank.AssertEqualAsync();
    }

    [SkippableFact]
    public async Task Capture_TransactionLargerThanMemory_LandsAtOnce()
    {
        await using var bank = await CaptureBank.StartAsync();
        await bank.CatchUpAsync();
        await bank.RunAsync(Rows + "UPDATE t SET amount = 1 WHERE age % 3 = 0; DELETE FROM t WHERE age % 5 = 0");
        var result = await bank.CatchUpAsync(change: o => o with { MemoryRowsMax = 7, BatchRows = 10 });
        Assert.Equal((153, 1), (result.Changes, result.Transactions));
        await bank.AssertEqualAsync();
    }

    [SkippableFact]
    public async Task Capture_TransactionOpenWhileTheSlotIsMade_ItsChangesWinOverTheSnapshot()
    {
        await using var bank = await CaptureBank.StartAsync();
        await bank.RunAsync(Rows);
        await using var first = await bank.OpenAsync();
        await CaptureBank.RunAsync(first, "BEGIN; UPDATE t SET amount = -1 WHERE id = 'k1'");
        var capture = bank.CatchUpAsync();
        await TestProgram.PollAsync("The slot", async _ => (long)(await bank.ScalarAsync("SELECT count(*) FROM pg_replication_slots"))! == 1);

        // Begins after the slot began to be made, changes before its consistent point, and ends after it.
        await using var second = await bank.OpenAsync();
        await CaptureBank.RunAsync(second, "BEGIN; UPDATE t SET amount = -2 WHERE id = 'k2'; DELETE FROM t WHERE id = 'k3'");
        await CaptureBank.RunAsync(first, "COMMIT");
        await CaptureBank.RunAsync(second, "COMMIT");
        await capture;
        await bank.CatchUpAsync();
        await bank.AssertEqualAsync();
    }

    [SkippableFact]
    public async Task Capture_SlotDropped_IsNamedAndHealedByASnapshot()
    {
        await using var bank = await CaptureBank.StartAsync();
        await bank.RunAsync(Rows);
        await bank.CatchUpAsync();
        await bank.RunAsync("SELECT pg_drop_replication_slot('fstore'); DELETE FROM t WHERE age > 50; UPDATE t SET amount = 7 WHERE age < 10");

        var refused = await Assert.ThrowsAsync<PostgresSourceException>(() => bank.CatchUpAsync());
        Assert.Contains("the slot is gone", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--resnapshot", refused.Message, StringComparison.Ordinal);
        Assert.Equal("gap", (await bank.Capture().StatusAsync(CancellationToken.None)).State);

        await bank.RunAsync("SELECT pg_create_logical_replication_slot('fstore', 'pgoutput')");
        refused = await Assert.ThrowsAsync<PostgresSourceException>(() => bank.CatchUpAsync());
        Assert.Contains("made anew", refused.Message, StringComparison.Ordinal);

        await bank.CatchUpAsync(resnapshot: true);
        await bank.AssertEqualAsync();
        await bank.RunAsync("INSERT INTO t (id) VALUES ('later')");
        await bank.CatchUpAsync();
        await bank.AssertEqualAsync();
        Assert.Equal("idle", (await bank.Capture().StatusAsync(CancellationToken.None)).State);
    }

    [SkippableFact]
    public async Task Capture_SlotOfAnother_IsNotTaken()
    {
        await using var bank = await CaptureBank.StartAsync();
        await bank.RunAsync("SELECT pg_create_logical_replication_slot('fstore', 'pgoutput')");
        var refused = await Assert.ThrowsAsync<PostgresSourceException>(() => bank.CatchUpAsync());
        Assert.Contains("this lake knows nothing of it", refused.Message, StringComparison.Ordinal);
        Assert.Equal(1L, await bank.ScalarAsync("SELECT count(*) FROM pg_replication_slots"));
    }

    [SkippableFact]
    public async Task Capture_UnsuitableServerOrTable_NamesTheWayOut()
    {
        await using (var plain = await CaptureBank.StartAsync("wal_level=replica"))
        {
            var level = await Assert.ThrowsAsync<PostgresSourceException>(() => plain.CatchUpAsync());
            Assert.Contains("wal_level = logical", level.Message, StringComparison.Ordinal);
        }

        await using var bank = await CaptureBank.StartAsync();
        await bank.CatchUpAsync();
        await bank.RunAsync("INSERT INTO t (id) VALUES ('a'); ALTER TABLE t ADD extra2 int; INSERT INTO t (id, extra2) VALUES ('b', 1)");
        await bank.CatchUpAsync();
        await bank.AssertEqualAsync();
        await bank.RunAsync("ALTER TABLE t RENAME big TO bigger; INSERT INTO t (id) VALUES ('c')");
        var missing = await Assert.ThrowsAsync<PostgresSourceException>(() => bank.CatchUpAsync());
        Assert.Contains("no column 'big'", missing.Message, StringComparison.Ordinal);
        Assert.Equal(2, bank.LakeRows().Count);
        await bank.RunAsync("ALTER TABLE t RENAME bigger TO big");
    }

    [SkippableFact]
    public async Task Capture_OnlyOtherTablesChange_DoesNotHoldWal()
    {
        await using var bank = await CaptureBank.StartAsync();
        using var stop = new CancellationTokenSource();
        var capture = bank.Capture(o => o with { HeartbeatPeriod = TimeSpan.FromMilliseconds(50), HeartbeatBytes = 1 << 16 }).RunAsync(false, false, null, stop.Token);
        await TestProgram.PollAsync("Streaming", async _ => (await bank.Capture().StatusAsync(CancellationToken.None)).State == "streaming");
        await bank.RunAsync("INSERT INTO other SELECT generate_series(1, 50000)");
        var written = (string)(await bank.ScalarAsync("SELECT pg_current_wal_lsn()::text"))!;
        await TestProgram.PollAsync("The confirmed position", async _ => (bool)(await bank.ScalarAsync($"SELECT confirmed_flush_lsn >= '{written}' FROM pg_replication_slots"))!);
        await stop.CancelAsync();
        await capture;
    }

    [SkippableFact]
    public async Task Capture_WhileTheSourceIsWritten_ConfirmsNothingThatIsNotDurable()
    {
        await using var bank = await CaptureBank.StartAsync();
        await bank.RunAsync(Rows);
        using var stop = new CancellationTokenSource();
        var capture = bank.Capture(o => o with { Linger = TimeSpan.FromMilliseconds(5), BatchRows = 50 }).RunAsync(false, false, null, stop.Token);
        for (var round = 0; round < 60; round++)
        {
            await bank.RunAsync($"UPDATE t SET amount = {round} WHERE age % 7 = {round % 7}; INSERT INTO t (id) VALUES ('r{round}')");

            // The server's word first: what the lake holds only grows.
            if (await bank.ScalarAsync("SELECT (confirmed_flush_lsn - '0/0')::bigint FROM pg_replication_slots") is long confirmed
                && (await bank.Capture().StatusAsync(CancellationToken.None)).DurableLsn is { } durable)
            {
                var parts = durable.Split('/').Select(p => Convert.ToInt64(p, 16)).ToArray();
                Assert.InRange(confirmed, 0, (parts[0] << 32) + parts[1]);
            }
        }

        await stop.CancelAsync();
        await capture;
        await bank.CatchUpAsync();
        await bank.AssertEqualAsync();
    }

    [SkippableFact]
    public async Task Capture_TheSourceNeverFallsSilent_LandsAllTheSame()
    {
        await using var bank = await CaptureBank.StartAsync();
        using var stop = new CancellationTokenSource();
        var landed = new TaskCompletionSource();
        var progress = new Landed(_ => landed.TrySetResult());
        var capture = bank.Capture(o => o with { Linger = TimeSpan.FromHours(1), LingerMax = TimeSpan.FromMilliseconds(100) }).RunAsync(false, false, progress, stop.Token);
        await TestProgram.PollAsync("Streaming", async _ => (await bank.Capture().StatusAsync(CancellationToken.None)).State == "streaming");
        await bank.RunAsync("INSERT INTO t (id) VALUES ('a')");
        await landed.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await stop.CancelAsync();
        await capture;
        await bank.AssertEqualAsync();
    }

    [SkippableFact]
    public async Task Capture_LandingFails_EndsWithItsFaultAndConfirmsNothing()
    {
        await using var bank = await CaptureBank.StartAsync();
        await bank.CatchUpAsync();
        var before = await bank.Capture().StatusAsync(CancellationToken.None);
        await bank.RunAsync("INSERT INTO t (id) SELECT n::text FROM generate_series(1, 40) n");
        var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => bank.CatchUpAsync(change: o => o with { Publisher = new FailingPublisher() }));
        Assert.Equal("no flush", fault.Message);
        var after = await bank.Capture().StatusAsync(CancellationToken.None);
        Assert.Equal((before.DurableLsn, before.ConfirmedLsn), (after.DurableLsn, after.ConfirmedLsn));
        await bank.CatchUpAsync();
        await bank.AssertEqualAsync();
    }

    private sealed class Landed(Action<long> told) : IProgress<long>
    {
        public void Report(long value) => told(value);
    }

    private sealed class FailingPublisher : IChangePublisher
    {
        public void Publish(PostgresTable table, LogMessage message)
        {
        }

        public void Flush() => throw new InvalidOperationException("no flush");
    }
}
