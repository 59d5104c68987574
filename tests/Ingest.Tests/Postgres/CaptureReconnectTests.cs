using System.Collections.Concurrent;
using FeatureStore.Ingest.Postgres;
using FeatureStore.Tests.Servers;
using Npgsql;

namespace FeatureStore.Ingest.Tests.Postgres;

/// <summary>A capture that follows outlives a server that goes away, and ends at what no waiting heals.</summary>
public sealed class CaptureReconnectTests
{
    private const string EndSenders = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'walsender'";
    private const string EndAll = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'fstore'";
    private readonly ConcurrentQueue<string> _notes = [];

    [SkippableTheory]
    [InlineData("immediate")]
    [InlineData("fast")]
    [InlineData(EndSenders)]
    [InlineData(EndAll)]
    public async Task Capture_TheServerGoesAwayUnderWrites_GoesOnAndHoldsEachChangeOnce(string trouble)
    {
        TestProgram.NeedLong(trouble is "fast" or EndAll);
        await using var bank = await CaptureBank.StartAsync();
        using var stop = new CancellationTokenSource();
        var capture = Follow(bank, stop.Token);
        await StreamingAsync(bank, capture);
        using var enough = new CancellationTokenSource();
        var writer = WriteAsync(bank, enough.Token);
        for (var round = 1; round <= 3; round++)
        {
            var rows = bank.RawRows();
            await UntilAsync(capture, "Rows of the stream", () => bank.RawRows() >= rows + 20);
            var before = _notes.Count;
            if (trouble.StartsWith("SELECT", StringComparison.Ordinal))
            {
                await bank.RunAsync(trouble);
            }
            else
            {
                await bank.Server.StopAsync(trouble);
                await UntilAsync(capture, "Tries in vain", () => _notes.Count(n => n.Contains("tries again", StringComparison.Ordinal)) >= before + 3);
                await bank.Server.StartAgainAsync();
            }

            await UntilAsync(capture, "The stream", () => _notes.Count(n => n.Contains("answers again; capture goes on from", StringComparison.Ordinal)) >= round);
        }

        await enough.CancelAsync();
        await writer;
        var changes = (long)(await bank.ScalarAsync("SELECT count(*) + sum(age) FROM t"))!;
        await UntilAsync(capture, "All rows", () => bank.RawRows() > changes);
        await stop.CancelAsync();
        var result = await capture;

        // The truncate before the snapshot is a row too.
        Assert.Equal((changes + 1, changes), (bank.RawRows(), result.Changes));
        await bank.AssertEqualAsync();
        Assert.DoesNotContain(_notes, n => n.Contains("Password", StringComparison.OrdinalIgnoreCase) || n.Contains("w1", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task Capture_WhatNoWaitingHeals_EndsAtOnceAndSaysWhatToDo()
    {
        await using var bank = await CaptureBank.StartAsync();
        await bank.RunAsync("CREATE ROLE capturer LOGIN SUPERUSER PASSWORD 'hush'; INSERT INTO t (id) VALUES ('a')");
        (string Trouble, string Heal, string Says)[] all =
        [
            ("ALTER ROLE capturer NOLOGIN", "ALTER ROLE capturer LOGIN", "refused (28000)"),
            ("ALTER TABLE t RENAME TO gone", "ALTER TABLE gone RENAME TO t", "does not publish every change"),
            ("ALTER PUBLICATION fstore DROP TABLE t", "ALTER PUBLICATION fstore ADD TABLE t", "is in no stream, so then run 'fstore capture --resnapshot'"),
            ("DROP PUBLICATION fstore", "SELECT 1", "Publication fstore is gone"),
            ("PERFORM pg_drop_replication_slot('fstore')", "SELECT 1", "the slot is gone"),
        ];
        foreach (var (trouble, heal, says) in all)
        {
            // Troubles of the publication leave a gap.
            var capture = Follow(bank, CancellationToken.None, o => o with { Address = PostgresAddress.Parse(bank.ConnectionString.Replace($"Username={bank.Server.User}", "Username=capturer", StringComparison.Ordinal)) }, resnapshot: says.EndsWith("is gone", StringComparison.Ordinal));
            await StreamingAsync(bank, capture);
            await using var connection = await bank.OpenAsync();

            var isSlot = says.Contains("slot", StringComparison.Ordinal);
            await CaptureBank.RunAsync(connection, isSlot ? EndSenders : trouble);

            // The slot can be dropped only while nobody reads it, which is not for long.
            await CaptureBank.RunAsync(connection, isSlot ? $"DO $$ BEGIN WHILE (SELECT active FROM pg_replication_slots) LOOP PERFORM pg_sleep(0.001); END LOOP; {trouble}; END $$" : EndSenders);

            var fault = await Assert.ThrowsAsync<PostgresSourceException>(() => capture);
            Assert.Contains(says, fault.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("hush", fault.Message, StringComparison.Ordinal);
            await TestProgram.PollAsync("The sender's end", async _ => (long)(await bank.ScalarAsync("SELECT count(*) FROM pg_stat_replication"))! == 0);
            await CaptureBank.RunAsync(connection, heal);
        }

        await bank.CatchUpAsync(resnapshot: true);
        await bank.AssertEqualAsync();
    }

    [SkippableFact]
    public async Task Capture_AnotherClusterInThePlace_IsNotGoneOnWith()
    {
        await using var bank = await CaptureBank.StartAsync();
        await bank.RunAsync("INSERT INTO t (id) SELECT n::text FROM generate_series(1, 1000) n");
        await bank.CatchUpAsync();
        await using var other = await CaptureBank.StartAsync();
        CaptureOptions Moved(CaptureOptions o) => o with { Address = PostgresAddress.Parse(other.ConnectionString) };

        var refused = await Assert.ThrowsAsync<PostgresSourceException>(() => bank.CatchUpAsync(change: Moved));
        Assert.Contains("captured from another database cluster", refused.Message, StringComparison.Ordinal);
        refused = await Assert.ThrowsAsync<PostgresSourceException>(() => bank.CatchUpAsync(resnapshot: true, change: Moved));
        Assert.Contains("would count as older", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0L, await other.ScalarAsync("SELECT count(*) FROM pg_replication_slots"));

        // As after an upgrade, whose positions go on.
        await other.RunAsync("INSERT INTO other SELECT generate_series(1, 100000); INSERT INTO t (id) VALUES ('1')");
        await bank.CatchUpAsync(resnapshot: true, change: Moved);
        Assert.Equal(await other.SqlRowsAsync(), bank.LakeRows());
    }

    [SkippableFact]
    public async Task Capture_NoServerAtFirst_EndsAtOnce()
    {
        await using var bank = await CaptureBank.StartAsync();
        await bank.Server.StopAsync("immediate");
        var fault = await Assert.ThrowsAsync<PostgresSourceException>(() => Follow(bank, CancellationToken.None));
        Assert.Contains("cannot be reached", fault.Message, StringComparison.Ordinal);
        Assert.Empty(_notes);
        await bank.Server.StartAgainAsync();
        using var stop = new CancellationTokenSource();
        var first = Follow(bank, stop.Token);
        await StreamingAsync(bank, first);
        fault = await Assert.ThrowsAsync<PostgresSourceException>(() => Follow(bank, CancellationToken.None));
        Assert.Contains("refused (55006)", fault.Message, StringComparison.Ordinal);
        Assert.Empty(_notes);
        await stop.CancelAsync();
        await first;
    }

    [Fact]
    public async Task Pauses_GrowToTheirBound_AndBeginAnewAfterAStreamThatStood()
    {
        var time = new LeapingTime();
        var options = new CaptureOptions(PostgresAddress.Parse("Host=h"), [], "bank", "fstore", "fstore") { Note = _notes.Enqueue };
        var reconnect = new CaptureReconnect(options, time);
        var lost = new NpgsqlException("lost", new IOException());
        Assert.False(reconnect.MayPass(lost));
        for (var stream = 0; stream < 2; stream++)
        {
            reconnect.Ready("1", 0);
            Assert.True(reconnect.MayPass(lost) && reconnect.MayPass(new TimeoutException()) && !reconnect.MayPass(new NpgsqlException("no password")));
            time.Leap(options.ReconnectPauseMax);
            foreach (var bound in new[] { 1, 2, 4, 8, 16, 30, 30 })
            {
                Assert.True(await reconnect.PauseAsync(lost, CancellationToken.None));
                Assert.InRange(time.Pauses.Last().TotalSeconds, bound / 2.0, bound);
            }
        }

        reconnect.Ready("1", 0); // Lost at once.
        Assert.True(await reconnect.PauseAsync(lost, CancellationToken.None));
        Assert.InRange(time.Pauses.Last().TotalSeconds, 15, 30);
        Assert.False(await reconnect.PauseAsync(lost, new CancellationToken(canceled: true)));
        Assert.True(time.Pauses.Distinct().Count() > 10);
        Assert.Equal((15, 2), (_notes.Count(n => n.StartsWith("PostgreSQL at h:5432/ cannot be reached (lost). Capture tries again in ", StringComparison.Ordinal)), _notes.Count(n => n.Contains("answers again", StringComparison.Ordinal))));
    }

    private Task<CaptureResult> Follow(CaptureBank bank, CancellationToken cancellationToken, Func<CaptureOptions, CaptureOptions>? change = null, bool resnapshot = false) => bank.Capture(o =>
        {
            o = o with { Linger = TimeSpan.FromMilliseconds(5), BatchRows = 10, HeartbeatPeriod = TimeSpan.FromMilliseconds(300), ReconnectPause = TimeSpan.FromMilliseconds(50), ReconnectPauseMax = TimeSpan.FromMilliseconds(400), Note = _notes.Enqueue };
            return change?.Invoke(o) ?? o;
        }).RunAsync(false, resnapshot, null, cancellationToken);

    private async Task UntilAsync(Task<CaptureResult> capture, string what, Func<bool> isTrue)
    {
        try
        {
            await TestProgram.PollAsync(what, _ => Task.FromResult(isTrue() || capture.IsCompleted));
            if (capture.IsCompleted)
            {
                Assert.Fail($"{what}: ended with {await capture}");
            }
        }
        catch (Exception e)
        {
            throw new Xunit.Sdk.XunitException($"{e.Message}\n{string.Join('\n', _notes)}", e);
        }
    }

    // A slot is active while it is made too, and a sender of before may not have ended yet.
    private static Task StreamingAsync(CaptureBank bank, Task<CaptureResult> capture) => TestProgram.PollAsync(
        "Streaming",
        async _ => capture.IsCompleted
            ? throw new InvalidOperationException((await capture).ToString())
            : (bool)(await bank.ScalarAsync("SELECT count(*) = 1 AND bool_and(state IN ('catchup', 'streaming')) FROM pg_stat_replication"))!);

    // Each row is written once and changed a few times, which its age counts.
    private static async Task WriteAsync(CaptureBank bank, CancellationToken enough)
    {
        for (var n = 0; n < 100_000 && !enough.IsCancellationRequested; n++)
        {
            try
            {
                await using var connection = await bank.OpenAsync();
                await CaptureBank.RunAsync(connection, $"BEGIN; INSERT INTO t (id, age) VALUES ('w{n}', 0); UPDATE t SET age = age + 1 WHERE id IN ('w{n / 2}', 'w{n / 3}'); COMMIT");
            }
            catch (NpgsqlException)
            {
                // The server is away, and whether this one was committed is told by the table.
            }
        }
    }

    /// <summary>Notes how long each wait is, and ends it at once.</summary>
    private sealed class LeapingTime : TimeProvider
    {
        private long _now;

        public List<TimeSpan> Pauses { get; } = [];

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Leap(TimeSpan span) => _now += span.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Pauses.Add(dueTime);
            return System.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }
}
