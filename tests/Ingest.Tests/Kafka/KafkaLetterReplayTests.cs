using System.Globalization;
using System.Text;
using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Kafka;
using FeatureStore.Ingest.Tests.Debezium;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Ingest.Tests.Kafka;

/// <summary>Dead letters of a real broker's topic land once what was wrong is put right: each once, whatever ends a replay and whoever runs beside it.</summary>
public sealed class KafkaLetterReplayTests(KafkaFixture kafka) : IClassFixture<KafkaFixture>
{
    private static readonly BankTable Table = BankTables.Plain[0];
    private static readonly EnvelopeOptions Mended = Table.Declared with { Times = new Dictionary<string, TimeKind> { ["time"] = TimeKind.Milliseconds } };

    [SkippableFact]
    public void Replay_AfterTheDeclarationIsPutRight_LandsEachOnceAndKeepsWhatIsNoEventStill()
    {
        using var lake = new KafkaLake(kafka.Server);
        kafka.Server.Write($"right.{Table.Topic}", [.. KafkaLake.Transactions(0, 3), Event("m1", 5_001), new KafkaRecord([1], "{broken"u8.ToArray()), Event("m2", 5_002), .. KafkaLake.Transactions(3, 2)]);
        var landed = Assert.Single(lake.Run("right", Table)).Landed;
        Assert.Equal((5, 3), (landed.Rows, landed.DeadLetters));
        using var letters = lake.Letters();
        Assert.Equal(
            [(0, 3L, "$.after.time"), (0, 4L, "$"), (0, 5L, "$.after.time")],
            letters.List(lake.LetterTopic("right", Table)).Select(l => (l.Partition, l.Letter.Offset, l.Letter.Path)));

        Assert.Equal((0, 3), Replay(letters, lake.LetterTopic("right", Table)));
        Assert.Equal((2, 1), Replay(letters, lake.LetterTopic("right", Table, Mended)));
        Assert.Equal((0, 1), Replay(letters, lake.LetterTopic("right", Table, Mended)));
        Assert.Equal("not JSON", Assert.Single(letters.List(lake.LetterTopic("right", Table))).Letter.Reason);
        Assert.Equal((7, 7), (lake.Raw(Table), lake.Rows(Table).Count));

        // The stream stands where it stood, and a letter of another lake is still to land there.
        Assert.Equal(0, Assert.Single(lake.Run("right", Table)).Landed.Rows);
        using var other = new KafkaLake(kafka.Server);
        using var its = other.Letters();
        Assert.Equal((2, 1), Replay(its, other.LetterTopic("right", Table, Mended)));
    }

    [SkippableFact]
    public void Replay_OfAChangeThatANewerOneFollowed_LeavesTheNewer()
    {
        using var lake = new KafkaLake(kafka.Server);
        kafka.Server.Write($"order.{Table.Topic}", [Event("t1", 900, "old"), .. KafkaLake.Transactions(1, 1), Event("t1", 2_000, "newest")]);
        Assert.Equal((1, 2), Counts(Assert.Single(lake.Run("order", Table)).Landed));
        using var letters = lake.Letters();
        Assert.Equal((2, 0), Replay(letters, lake.LetterTopic("order", Table, Mended)));
        Assert.Equal("newest", Assert.Single(lake.Rows(Table))[3]);

        // The other way round: what is replayed is older than what the lake holds.
        using var late = new KafkaLake(kafka.Server);
        kafka.Server.Write($"late.{Table.Topic}", [Event("t2", 900, "old"), .. KafkaLake.Transactions(2, 1)]);
        Assert.Equal((1, 1), Counts(Assert.Single(late.Run("late", Table)).Landed));
        using var its = late.Letters();
        Assert.Equal((1, 0), Replay(its, late.LetterTopic("late", Table, Mended)));
        Assert.Equal((2, "v"), (late.Raw(Table), Assert.Single(late.Rows(Table))[3]));
    }

    [SkippableFact]
    public void Replay_OfAMessageTooLargeForALetter_ReadsItInItsOwnTopic()
    {
        using var lake = new KafkaLake(kafka.Server);
        kafka.Server.Write($"large.{Table.Topic}", [Event("big", 7, new string('x', 800_000))]);
        Assert.Equal((0, 1), Counts(Assert.Single(lake.Run("large", Table)).Landed));
        using var letters = lake.Letters();
        var letter = Assert.Single(letters.List(lake.LetterTopic("large", Table)));
        Assert.Null(letter.Message);
        Assert.True(letter.ValueBytes > 800_000);
        Assert.Equal((1, 0), Replay(letters, lake.LetterTopic("large", Table, Mended)));
        Assert.Equal(800_000, Assert.Single(lake.Rows(Table))[3]!.Length);
    }

    [SkippableFact]
    public void Replay_AfterOneThatWasKilledBeforeOrAfterItsCommit_LandsEachOnce()
    {
        using var lake = new KafkaLake(kafka.Server);
        var topic = $"killed.{Table.Topic}";
        kafka.Server.Write(topic, [Event("m1", 1), Event("m2", 2)]);
        Assert.Equal((0, 2), Counts(Assert.Single(lake.Run("killed", Table)).Landed));

        // A note of a replay that never came to its commit means nothing.
        kafka.Server.Write(topic + KafkaDeadLetters.Suffix, [new KafkaRecord([7], KafkaLetterBook.NoteJson(null, [new LetterPlace(0, 0), new LetterPlace(0, 1)]))]);
        using var letters = lake.Letters();
        Assert.Equal((2, 0), Replay(letters, lake.LetterTopic("killed", Table, Mended)));

        // Nor does one of a replay that was overtaken, or the same letters once more, as an ingest that was killed writes them.
        kafka.Server.Write(topic + KafkaDeadLetters.Suffix, [new KafkaRecord([8], KafkaLetterBook.NoteJson(null, [])), .. kafka.Server.Read(topic + KafkaDeadLetters.Suffix).Take(2)]);
        Assert.Equal((0, 0), Replay(letters, lake.LetterTopic("killed", Table, Mended)));
        Assert.Equal(2, lake.Raw(Table));
    }

    [SkippableFact]
    public async Task Replays_AtOnce_LandEachLetterOnce()
    {
        using var lake = new KafkaLake(kafka.Server);
        kafka.Server.Write($"race.{Table.Topic}", Enumerable.Range(0, 30).Select(i => Event($"m{i}", i)));
        Assert.Equal((0, 30), Counts(Assert.Single(lake.Run("race", Table)).Landed));
        var results = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
        {
            using var letters = lake.Letters();
            return Replay(letters, lake.LetterTopic("race", Table, Mended));
        })));
        Assert.Equal(30, results.Sum(r => r.Rows));
        Assert.All(results, r => Assert.Equal(0, r.Left));
        Assert.Equal((30, 30), (lake.Raw(Table), lake.Rows(Table).Count));
    }

    [SkippableFact]
    public async Task Replay_OfATopicWithSeveralPartitions_LandsTheLettersOfEach()
    {
        KafkaServer.Need();
        await using var server = await KafkaServer.StartAsync("num.partitions=3");
        using var lake = new KafkaLake(server);
        server.Write($"parts.{Table.Topic}", Enumerable.Range(0, 40).Select(i => Event($"m{i}", i)));
        Assert.Equal(40, lake.Run("parts", Table).Sum(p => p.Landed.DeadLetters));
        using var letters = lake.Letters();
        Assert.Equal(3, letters.List(lake.LetterTopic("parts", Table)).Select(l => l.Partition).Distinct().Count());
        Assert.Equal((40, 0), Replay(letters, lake.LetterTopic("parts", Table, Mended)));
        Assert.Equal((0, 0), Replay(letters, lake.LetterTopic("parts", Table, Mended)));
        Assert.Equal(40, lake.Raw(Table));
    }

    [SkippableFact]
    public void List_WhereAnotherWroteIntoTheTopic_NamesThePlace()
    {
        using var lake = new KafkaLake(kafka.Server);
        kafka.Server.Write($"alien.{Table.Topic}{KafkaDeadLetters.Suffix}", [new KafkaRecord(null, "{}"u8.ToArray())]);
        using var letters = lake.Letters();
        var error = Assert.Throws<KafkaSourceException>(() => letters.List(lake.LetterTopic("alien", Table)));
        Assert.Contains($"alien.{Table.Topic}.dead-letters, partition 0, offset 0 is no letter", error.Message, StringComparison.Ordinal);
        Assert.Empty(letters.List(lake.LetterTopic("absent", Table)));
    }

    private static (long Rows, long Left) Replay(KafkaLetterReplay letters, KafkaLetterTopic topic) => Counts(letters.Run(topic, CancellationToken.None));

    private static (long Rows, long Left) Counts(IngestResult result) => (result.Rows, result.DeadLetters);

    // Its time is in milliseconds, which nobody declared at first.
    private static KafkaRecord Event(string id, int lsn, string vendor = "v") => new(
        Encoding.UTF8.GetBytes($$"""{"transaction_id":"{{id}}"}"""),
        Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $$$"""{"before":null,"after":{"user_id":"u","transaction_id":"{{{id}}}","amount":1.5,"vendor":"{{{vendor}}}","sources":"s","time":1754000000000},"source":{"name":"bank","ts_us":1754000000000000,"snapshot":"false","lsn":{{{lsn}}}},"op":"c"}""")));
}
