using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Kafka;
using FeatureStore.Ingest.Tests.Debezium;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Ingest.Tests.Kafka;

/// <summary>Members of a group that come, hang and go, and a broker that does.</summary>
public sealed class KafkaGroupTests
{
    private const int Rows = 400;
    private static readonly BankTable Table = BankTables.Plain[0];
    private static readonly KafkaRun Follow = KafkaLake.ToTheEnd with { Follow = true };

    [SkippableFact]
    public async Task Run_PartitionTakenAwayInMidBatch_IsLandedByTheOtherAlone()
    {
        KafkaServer.Need();
        await using var server = await KafkaServer.StartAsync("num.partitions=2");
        using var lake = new KafkaLake(server);
        server.Write($"group.{Table.Topic}", KafkaLake.Transactions(0, Rows));
        using var stop = new CancellationTokenSource();
        using var hang = new HangingSource.Gate();

        // The first reads all in one batch and hangs before its commit, longer than the group waits for it.
        var whole = Follow with { BatchRows = 10_000 };
        var first = Task.Run(() => lake.Run("group", [Table], whole, "g", source => new HangingSource(source, hang), stop.Token, ("max.poll.interval.ms", "6000")));
        await hang.Reached.Task.WaitAsync(TimeSpan.FromSeconds(30));

        // The second gets the partitions, lands a little and goes.
        using var enough = new CancellationTokenSource();
        var second = Task.Run(() => lake.Run("group", Table, Follow with { BatchRows = 20 }, cancellationToken: enough.Token));
        await TestProgram.PollAsync("A few rows", _ => Task.FromResult(lake.Raw(Table) > 0));
        await enough.CancelAsync();
        var few = (await second).Sum(p => p.Landed.Rows);
        Assert.InRange(few, 1, Rows - 1);

        // What the first has read begins before that and ends after it: it must not land as it is.
        hang.Open.Set();
        server.Write($"group.{Table.Topic}", KafkaLake.Transactions(Rows, 50));
        await TestProgram.PollAsync("The rest of the rows", _ => Task.FromResult(lake.Raw(Table) >= Rows + 50));
        await stop.CancelAsync();
        Assert.Equal(Rows + 50 - few, (await first).Sum(p => p.Landed.Rows));
        Assert.Contains(lake.Notes, n => n.Contains("another process landed it meanwhile", StringComparison.Ordinal));
        Assert.Equal((Rows + 50, Rows + 50), (lake.Raw(Table), lake.Rows(Table).Count));
    }

    [SkippableFact]
    public async Task Run_ASessionTimeoutThatTheBrokerDoesNotTake_IsRefusedByTheSettingsName()
    {
        KafkaServer.Need();
        await using var server = await KafkaServer.StartAsync("num.partitions=1");
        using var lake = new KafkaLake(server);
        server.Write($"impatient.{Table.Topic}", KafkaLake.Transactions(0, 1));
        var e = Assert.Throws<KafkaSourceException>(() => lake.Run("impatient", [Table], KafkaLake.ToTheEnd, "g", source => source, CancellationToken.None, ("session.timeout.ms", "500"), ("heartbeat.interval.ms", "100")));
        Assert.Contains("fstore.kafka.session_timeout_ms", e.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Run_TwoMembersOfAGroup_ShareThePartitionsAndLandEachRowOnce()
    {
        KafkaServer.Need();
        await using var server = await KafkaServer.StartAsync("num.partitions=3");
        using var lake = new KafkaLake(server);
        using var stop = new CancellationTokenSource();
        server.Write($"two.{Table.Topic}", KafkaLake.Transactions(0, 100));
        var first = Task.Run(() => lake.Run("two", Table, Follow, cancellationToken: stop.Token));
        await TestProgram.PollAsync("The first rows", _ => Task.FromResult(lake.Raw(Table) == 100));
        var second = Task.Run(() => lake.Run("two", Table, Follow, cancellationToken: stop.Token));
        for (var sent = 100; sent < 1_000; sent += 100)
        {
            server.Write($"two.{Table.Topic}", KafkaLake.Transactions(sent, 100));
            await TestProgram.PollAsync("A batch", _ => Task.FromResult(lake.Raw(Table) >= sent));
        }

        await TestProgram.PollAsync("All rows", _ => Task.FromResult(lake.Raw(Table) >= 1_000));
        await stop.CancelAsync();
        var landed = (await Task.WhenAll(first, second)).Select(ends => ends.Sum(p => p.Landed.Rows)).ToList();
        Assert.Equal((1_000, 1_000, 1_000), (landed.Sum(), lake.Raw(Table), lake.Rows(Table).Count));
        Assert.All(landed, l => Assert.NotEqual(0, l));
    }

    [SkippableFact]
    public async Task Follow_BrokerKilledAndStartedAgain_GoesOn()
    {
        KafkaServer.Need();
        await using var server = await KafkaServer.StartAsync("num.partitions=1");
        using var lake = new KafkaLake(server);
        using var stop = new CancellationTokenSource();
        server.Write($"broker.{Table.Topic}", KafkaLake.Transactions(0, 20));
        var run = Task.Run(() => lake.Run("broker", Table, Follow, cancellationToken: stop.Token));
        await TestProgram.PollAsync("The first rows", _ => Task.FromResult(lake.Raw(Table) == 20));
        server.Kill();
        await server.RestartAsync();
        server.Write($"broker.{Table.Topic}", KafkaLake.Transactions(20, 20));
        await TestProgram.PollAsync("The rows after it", _ => Task.FromResult(lake.Raw(Table) == 40 || run.IsCompleted));
        await stop.CancelAsync();
        Assert.Equal(40, (await run).Sum(p => p.Landed.Rows));
        Assert.Equal((40, 40), (lake.Raw(Table), lake.Rows(Table).Count));
    }

    /// <summary>Passes everything on, and stands still before its first commit until it is let go.</summary>
    private sealed class HangingSource(ITopicSource inner, HangingSource.Gate gate) : ITopicSource
    {
        public string Topic => inner.Topic;

        public string AppId => inner.AppId;

        public bool IsWhole => inner.IsWhole;

        public long First => inner.First;

        public long Next(long? landed) => inner.Next(landed);

        public IReadOnlyList<StoredMessage> Read(long from, int messagesMax, long bytesMax) => inner.Read(from, messagesMax, bytesMax);

        public IReadOnlyList<StoredMessage> Past(long first, long end) => inner.Past(first, end);

        public void NoteLetters(IReadOnlyList<StoredMessage> batch, IReadOnlyList<DeadLetter> letters)
        {
            gate.Reached.TrySetResult();
            gate.Open.Wait();
            inner.NoteLetters(batch, letters);
        }

        public void NoteLanded(long offset) => inner.NoteLanded(offset);

        internal sealed class Gate : IDisposable
        {
            public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

            public ManualResetEventSlim Open { get; } = new();

            public void Dispose()
            {
                Open.Set();
                Open.Dispose();
            }
        }
    }
}
