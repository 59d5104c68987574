using System.Text;
using Confluent.Kafka;
using FeatureStore.Ingest.Tests.Debezium;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Ingest.Tests.Kafka;

/// <summary>What the old broker cannot: headers and times of messages. librdkafka's own mock cluster has them.</summary>
public sealed class MockClusterTests : IDisposable
{
    private readonly IProducer<byte[]?, byte[]?> _producer =
        new ProducerBuilder<byte[]?, byte[]?>(new Dictionary<string, string> { ["test.mock.num.brokers"] = "1" }).SetLogHandler((_, _) => { }).Build();

    public void Dispose() => _producer.Dispose();

    [Theory]
    [InlineData("flat_rewrite")]
    [InlineData("keycols")]
    public void Run_RecordedTopicsWithTheirHeaders_GiveTheRowsOfTheEmbeddedLog(string run)
    {
        var topics = RecordedTopics.Of(run);
        using var embedded = new TopicLake();
        using var lake = new KafkaLake(Servers(), isOld: false);
        foreach (var table in BankTables.Plain.Where(t => t.Key.Length > 0 && topics[t.Topic].Any()).Take(3))
        {
            var records = topics[table.Topic].ToList();
            var expected = embedded.Ingest(table, [.. records.Select(r => r.Message)], portions: 1);
            KafkaRecords.Write(_producer, $"{run}.{table.Topic}", records.Select(r => new KafkaRecord(
                r.Message.Key,
                r.Message.Value,
                r.Record.GetProperty("headers").EnumerateArray().ToDictionary(h => h[0].GetString()!, h => Encoding.UTF8.GetBytes(h[1].ToString())))));
            var landed = lake.Run(run, table, group: table.Name);
            Assert.Equal((table.Name, expected), (table.Name, landed.Select(p => p.Landed).Aggregate((a, b) => a.Plus(b))));
            Assert.Equal(embedded.Rows(table), lake.Rows(table));
        }
    }

    [Fact]
    public void Run_RowsWithoutAKeyInATopicOfSeveralPartitions_BecomeDeadLettersRatherThanOneOfTheirEqual()
    {
        // The cluster makes topics of four partitions.
        var table = BankTables.Plain.First(t => t.Key.Length == 0);
        using var lake = new KafkaLake(Servers(), isOld: false);
        KafkaRecord[] records = [.. RecordedTopics.Of("json")[table.Topic].Select(r => new KafkaRecord(r.Message.Key, r.Message.Value)).Where(r => r.Value is not null)];
        KafkaRecords.Write(_producer, $"several.{table.Topic}", records);
        var landed = lake.Run("several", table).Select(p => p.Landed).Aggregate((a, b) => a.Plus(b));
        Assert.NotEmpty(records);
        Assert.Equal((0, records.Length), (landed.Rows, landed.DeadLetters));
        Assert.Empty(lake.Rows(table));
    }

    private string Servers()
    {
        using var admin = new DependentAdminClientBuilder(_producer.Handle).Build();
        return string.Join(',', admin.GetMetadata(TimeSpan.FromSeconds(10)).Brokers.Select(b => $"{b.Host}:{b.Port}"));
    }
}
