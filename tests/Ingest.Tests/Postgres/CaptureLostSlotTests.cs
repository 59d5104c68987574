using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Postgres;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Ingest.Tests.Postgres;

/// <summary>A server that gives up a slot's WAL for real, since it may keep little of it.</summary>
public sealed class CaptureLostSlotTests
{
    // A round fills more than a segment; a checkpoint then removes what the slot may not keep.
    private const string Burn = "INSERT INTO other SELECT generate_series(1, 20000); SELECT pg_switch_wal()";
    private static readonly string[] Settings = ["max_slot_wal_keep_size=1MB", "max_wal_size=32MB", "min_wal_size=32MB"];

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Capture_TheServerGivesUpTheSlotsWal_IsNamedAndHealedByASnapshot(bool isStreaming)
    {
        await using var bank = await CaptureBank.StartAsync(Settings);
        await bank.RunAsync("INSERT INTO t (id, age) SELECT n::text, n FROM generate_series(1, 100) n");
        await bank.CatchUpAsync();
        var raw = bank.RawRows();
        var gate = new Gate();
        var capture = isStreaming ? bank.Capture(o => o with { Publisher = gate, Linger = TimeSpan.Zero }).RunAsync(false, false, null, CancellationToken.None) : null;
        if (capture is not null)
        {
            // Landing stands still, so the slot's position does too, as with a lake that does not answer.
            await TestProgram.PollAsync("Streaming", async _ => (bool)(await bank.ScalarAsync("SELECT active FROM pg_replication_slots"))!);
            await bank.RunAsync("UPDATE t SET age = age + 1000 WHERE age <= 10");
            await gate.Reached.WaitAsync(TimeSpan.FromSeconds(30));
            raw += 10;
        }

        await LoseAsync(bank);
        await bank.RunAsync("DELETE FROM t WHERE age BETWEEN 41 AND 60; UPDATE t SET amount = 7 WHERE age > 90; INSERT INTO t (id) VALUES ('new')");
        gate.Open();
        var refused = await Assert.ThrowsAsync<PostgresSourceException>(() => capture ?? bank.CatchUpAsync());
        Assert.Contains("the server gave up the slot's WAL (wal_status lost). Run 'fstore capture --resnapshot'", refused.Message, StringComparison.Ordinal);
        var status = await bank.Capture().StatusAsync(CancellationToken.None);
        Assert.Equal(("gap", "lost", refused.Message), (status.State, status.WalStatus, status.Gap));
        Assert.Equal(raw, bank.RawRows());

        Assert.Equal(81, (await bank.CatchUpAsync(resnapshot: true)).Snapshot);
        await bank.AssertEqualAsync();
        Assert.Equal(raw + 82, bank.RawRows()); // And the truncate before the snapshot.
        await bank.RunAsync("DELETE FROM t WHERE id = 'new'; UPDATE t SET amount = 8 WHERE id = '1'");
        Assert.Equal(2, (await bank.CatchUpAsync()).Changes);
        await bank.AssertEqualAsync();
    }

    private static async Task LoseAsync(CaptureBank bank)
    {
        for (var round = 0; round < 20; round++)
        {
            await bank.RunAsync(Burn);
            await bank.RunAsync("CHECKPOINT");
            if ((string?)await bank.ScalarAsync("SELECT wal_status FROM pg_replication_slots") == "lost")
            {
                return;
            }
        }

        Assert.Fail("The server kept the slot's WAL.");
    }

    private sealed class Gate : IChangePublisher
    {
        private readonly ManualResetEventSlim _open = new();
        private readonly TaskCompletionSource _reached = new();

        public Task Reached => _reached.Task;

        public void Open() => _open.Set();

        public void Publish(PostgresTable table, LogMessage message)
        {
        }

        public void Flush()
        {
            _reached.TrySetResult();
            _open.Wait();
        }
    }
}
