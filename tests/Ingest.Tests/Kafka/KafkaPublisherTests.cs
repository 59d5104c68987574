using System.Text.Json.Nodes;
using FeatureStore.Ingest.Kafka;
using FeatureStore.Ingest.Tests.Postgres;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Ingest.Tests.Kafka;

/// <summary>A capture whose events go to a real broker too.</summary>
public sealed class KafkaPublisherTests(KafkaFixture fixture) : IClassFixture<KafkaFixture>
{
    [SkippableFact]
    public async Task Publisher_ChangesOfEveryKind_AreInTheTopicInOrder()
    {
        PostgresServer.Need();
        var server = fixture.Server;
        await using var bank = await CaptureBank.StartAsync();
        await bank.RunAsync("INSERT INTO t (id, amount, time) VALUES ('a', 1.5, '2026-01-05'), ('b', 'NaN', '2026-01-06')");
        using var publisher = Publisher("every", server.Address);
        Assert.Equal(2, (await bank.CatchUpAsync(change: o => o with { Publisher = publisher })).Snapshot);
        await bank.RunAsync("INSERT INTO t (id, amount) VALUES ('c', 3); UPDATE t SET amount = 4 WHERE id = 'c'; UPDATE t SET id = 'd' WHERE id = 'c'; DELETE FROM t WHERE id = 'a'");
        await bank.RunAsync("TRUNCATE t");
        await bank.CatchUpAsync(change: o => o with { Publisher = publisher });
        await bank.AssertEqualAsync();

        var records = server.Read("every.public.t");
        Assert.Equal(
            ["t -", "r a", "r b", "c c", "u c", "d c", "c d", "d a", "t -"],
            records.Select(r => $"{JsonNode.Parse(r.Value)!["op"]} {(r.Key is null ? "-" : JsonNode.Parse(r.Key)!["id"])}"));

        // What is landed is not sent again.
        await bank.CatchUpAsync(change: o => o with { Publisher = publisher });
        Assert.Equal(records.Count, server.Read("every.public.t").Count);
    }

    [SkippableFact]
    public async Task Publisher_NoBroker_NothingIsLandedUntilThereIsOne()
    {
        PostgresServer.Need();
        var server = fixture.Server;
        await using var bank = await CaptureBank.StartAsync();
        await bank.RunAsync("INSERT INTO t (id) VALUES ('a')");
        await bank.CatchUpAsync();
        await bank.RunAsync("INSERT INTO t (id) VALUES ('b')");
        using (var nowhere = Publisher("nowhere", $"127.0.0.1:{TestProgram.FreePort()}", ("message.timeout.ms", "1000")))
        {
            var fault = await Assert.ThrowsAsync<KafkaSourceException>(() => bank.CatchUpAsync(change: o => o with { Publisher = nowhere }));
            Assert.Contains("Nothing of its batch is landed", fault.Message, StringComparison.Ordinal);
        }

        Assert.Single(bank.LakeRows());
        using var publisher = Publisher("nowhere", server.Address);
        await bank.CatchUpAsync(change: o => o with { Publisher = publisher });
        await bank.AssertEqualAsync();
        Assert.Single(server.Read("nowhere.public.t"));
    }

    private static KafkaPublisher Publisher(string prefix, string servers, params (string Name, string Value)[] settings)
    {
        var client = new Dictionary<string, string>(KafkaServer.ClientSettings) { [KafkaOptions.Servers] = servers };
        foreach (var (name, value) in settings)
        {
            client[name] = value;
        }

        return new KafkaPublisher(new KafkaOptions("test", "test", client), prefix, static _ => { });
    }
}
