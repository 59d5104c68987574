using FeatureStore.Ingest.Tests.Debezium;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Ingest.Tests.Kafka;

/// <summary>Recorded topics of a connector, written into a real broker and landed from there: the rows are those that the embedded change log gives.</summary>
public sealed class KafkaRecordedTests(KafkaFixture kafka) : IClassFixture<KafkaFixture>
{
    private const int Portions = 2;

    public static TheoryData<string> Runs => ["json", "schema", "ops", "root", "m_struct"];

    [SkippableTheory]
    [MemberData(nameof(Runs))]
    public void Run_EveryTopicOfARun_GivesTheRowsOfTheEmbeddedLog(string run)
    {
        TestProgram.NeedLong(run is not ("schema" or "ops"));
        var topics = RecordedTopics.Of(run);
        var tables = BankTables.Plain.Append(BankTables.Types(run)).Where(t => topics[t.Topic].Any()).ToList();
        using var embedded = new TopicLake();
        using var lake = new KafkaLake(kafka.Server);
        var messages = tables.ToDictionary(t => t.Topic, t => topics[t.Topic].Select(r => r.Message).ToList());
        var expected = tables.ToDictionary(t => t.Topic, t => embedded.Ingest(t, messages[t.Topic], Portions));
        var landed = tables.ToDictionary(t => t.Topic, _ => new IngestResult(0, 0));
        for (var portion = 0; portion < Portions; portion++)
        {
            foreach (var table in tables)
            {
                var half = (messages[table.Topic].Count / Portions) + 1;
                kafka.Server.Write($"{run}.{table.Topic}", messages[table.Topic].Skip(portion * half).Take(half).Select(KafkaLake.Record));
            }

            foreach (var progress in lake.Run(run, tables, KafkaLake.ToTheEnd with { BatchRows = 997 }, run, null, CancellationToken.None))
            {
                Assert.Equal((0, 0), (progress.LagEvents, progress.LagSeconds));
                landed[progress.Topic[(run.Length + 1)..]] = landed[progress.Topic[(run.Length + 1)..]].Plus(progress.Landed);
            }
        }

        foreach (var table in tables)
        {
            Assert.Equal((table.Name, expected[table.Topic]), (table.Name, landed[table.Topic]));
            Assert.Equal(embedded.Rows(table), lake.Rows(table));
            Assert.Equal(expected[table.Topic].Rows, lake.Raw(table));
        }
    }
}
