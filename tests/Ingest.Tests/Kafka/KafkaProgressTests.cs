using System.Text;
using System.Text.Json.Nodes;
using FeatureStore.Ingest.Kafka;
using FeatureStore.Ingest.Tests.Debezium;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Ingest.Tests.Kafka;

/// <summary>Where an ingest from Kafka goes on, and what it does when it cannot.</summary>
public sealed class KafkaProgressTests(KafkaFixture kafka) : IClassFixture<KafkaFixture>
{
    private static readonly BankTable Table = BankTables.Plain[0];

    private static string AppId(string prefix) => $"kafka:{KafkaLake.Cluster}:{prefix}.{Table.Topic}:0";

    [SkippableFact]
    public void Run_AnotherGroupAfterTheFirst_GoesOnWhereTheLakeIs()
    {
        using var lake = new KafkaLake(kafka.Server);
        kafka.Server.Write($"on.{Table.Topic}", KafkaLake.Transactions(0, 250));
        Assert.Equal(250, Assert.Single(lake.Run("on", Table)).Landed.Rows);
        kafka.Server.Write($"on.{Table.Topic}", KafkaLake.Transactions(250, 30));

        // A new group has no offsets of its own, and an old one's are not asked.
        var second = Assert.Single(lake.Run("on", Table, group: "other"));
        Assert.Equal((30, 279), (second.Landed.Rows, second.Offset));
        Assert.Equal(0, Assert.Single(lake.Run("on", Table)).Landed.Rows);
        Assert.Equal((280, 280), (lake.Raw(Table), lake.Rows(Table).Count));
        Assert.Equal(279, lake.Table(Table).TxnVersion(AppId("on")));
    }

    [SkippableTheory]
    [InlineData(KafkaStartKind.Earliest, 0, 20)]
    [InlineData(KafkaStartKind.Latest, 0, 0)]
    [InlineData(KafkaStartKind.Offset, 15, 5)]
    public void Run_WithoutProgress_BeginsWhereItIsTold(KafkaStartKind kind, long offset, long rows)
    {
        using var lake = new KafkaLake(kafka.Server);
        kafka.Server.Write($"start{kind}.{Table.Topic}", KafkaLake.Transactions(0, 20));
        Assert.Equal(rows, Assert.Single(lake.Run($"start{kind}", Table, new KafkaRun(new KafkaStart(kind, offset)))).Landed.Rows);
    }

    [SkippableFact]
    public void Run_StartBehindTheEnd_IsNamed()
    {
        using var lake = new KafkaLake(kafka.Server);
        kafka.Server.Write($"behind.{Table.Topic}", KafkaLake.Transactions(0, 3));
        var error = Assert.Throws<KafkaSourceException>(() => lake.Run("behind", Table, new KafkaRun(new KafkaStart(KafkaStartKind.Offset, 9))));
        Assert.Contains($"behind.{Table.Topic}, partition 0: --start names offset 9, and the broker has 0 to 2", error.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Run_LakeAheadOfTheBroker_FailsUntilTheGapIsAccepted()
    {
        using var lake = new KafkaLake(kafka.Server);
        kafka.Server.Write($"ahead.{Table.Topic}", KafkaLake.Transactions(0, 5));
        lake.Table(Table).Append([], new LakeTxn(AppId("ahead"), 999), CancellationToken.None);
        var error = Assert.Throws<KafkaSourceException>(() => lake.Run("ahead", Table));
        Assert.Contains("the lake holds it up to offset 999, and the broker has 0 to 4", error.Message, StringComparison.Ordinal);
        Assert.Contains("--accept-gap --start earliest", error.Message, StringComparison.Ordinal);

        var accepted = lake.Run("ahead", Table, KafkaLake.ToTheEnd with { AcceptGap = true, BatchRows = 2 });
        Assert.Equal((5, 4), (Assert.Single(accepted).Landed.Rows, lake.Table(Table).TxnVersion(AppId("ahead"))));
        Assert.Equal(0, Assert.Single(lake.Run("ahead", Table)).Landed.Rows);
    }

    [SkippableFact]
    public async Task Run_MessagesRemovedBeforeTheyWereLanded_FailsUntilTheGapIsAccepted()
    {
        KafkaServer.Need();
        await using var server = await KafkaServer.StartAsync(
            "num.partitions=1", "log.segment.bytes=5000", "log.retention.bytes=5000", "log.retention.check.interval.ms=200", "log.delete.delay.ms=0", "log.cleanup.policy=delete");
        using var lake = new KafkaLake(server);
        var topic = $"old.{Table.Topic}";
        server.Write(topic, KafkaLake.Transactions(0, 10));
        Assert.Equal(10, Assert.Single(lake.Run("old", Table)).Landed.Rows);
        foreach (var batch in KafkaLake.Transactions(10, 300).Chunk(10))
        {
            // A batch must fit into one of the small files that the broker removes.
            server.Write(topic, batch);
        }

        await TestProgram.PollAsync("Removal by the broker", _ => Task.FromResult(server.Bounds(topic).First > 10));

        var error = Assert.Throws<KafkaSourceException>(() => lake.Run("old", Table));
        Assert.Contains("messages were removed before they were landed", error.Message, StringComparison.Ordinal);
        var first = server.Bounds(topic).First;
        Assert.Equal(310 - first, Assert.Single(lake.Run("old", Table, KafkaLake.ToTheEnd with { AcceptGap = true })).Landed.Rows);
    }

    [SkippableFact]
    public void Run_PoisonMessages_GoToTheTopicOfDeadLettersAndNothingElseDoes()
    {
        using var lake = new KafkaLake(kafka.Server);
        byte[] odd = [0xff, 0x00, (byte)'{'];
        var large = new byte[900_000];
        kafka.Server.Write($"bad.{Table.Topic}", [.. KafkaLake.Transactions(0, 3), new KafkaRecord([1], odd), .. KafkaLake.Transactions(3, 2), new KafkaRecord(null, large)]);
        var landed = Assert.Single(lake.Run("bad", Table)).Landed;
        Assert.Equal((5, 2), (landed.Rows, landed.DeadLetters));

        // As after a kill between the letters and the commit.
        using var again = new KafkaLake(kafka.Server);
        Assert.Equal(2, Assert.Single(again.Run("bad", Table)).Landed.DeadLetters);
        var letters = kafka.Server.Read($"bad.{Table.Topic}.dead-letters");
        Assert.Equal(4, letters.Count);
        Assert.Equal(letters[0], letters[2], RecordBytes.Same);
        Assert.Equal(letters[1], letters[3], RecordBytes.Same);

        var letter = JsonNode.Parse(letters[0].Value)!;
        Assert.Equal($"bad.{Table.Topic}/0/3", Encoding.UTF8.GetString(letters[0].Key!));
        Assert.Equal(($"bad.{Table.Topic}", 0, 3L), ((string)letter["topic"]!, (int)letter["partition"]!, (long)letter["offset"]!));
        Assert.Equal((0L, "not JSON"), ((long)letter["byte_position"]!, (string)letter["reason"]!));
        Assert.Equal(odd, Convert.FromBase64String((string)letter["value"]!));

        // In base64 it would be larger than the broker takes.
        var cut = JsonNode.Parse(letters[1].Value)!;
        Assert.Equal((false, large.Length, null), ((bool)cut["is_whole"]!, (int)cut["value_bytes"]!, cut["value"]));
    }

    [SkippableFact]
    public void Run_AbsentTopics_AreNamed()
    {
        using var lake = new KafkaLake(kafka.Server);
        Assert.Contains($"none of the topics never.{Table.Topic}", Assert.Throws<KafkaSourceException>(() => lake.Run("never", Table)).Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Run_SettingThatIsNone_IsNamedWithoutSecrets()
    {
        KafkaServer.Need();
        using var lake = new KafkaLake(kafka.Server);
        var error = Assert.Throws<KafkaSourceException>(() => lake.Run("never", [Table], null, "g", null, CancellationToken.None, ("sasl.pasword", "hunter2")));
        Assert.Contains("sasl.pasword", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", error.ToString(), StringComparison.Ordinal);
    }

    private static class RecordBytes
    {
        public static bool Same(KafkaRecord one, KafkaRecord other) => one.Key.AsSpan().SequenceEqual(other.Key) && one.Value.AsSpan().SequenceEqual(other.Value);
    }
}
