using System.Text;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary>Messages that cannot be read: the stream goes on, each can be looked at, and lands when what was wrong is put right.</summary>
public sealed class DeadLettersTests : IDisposable
{
    private const string Topic = "bank.public.transactions";
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [Fact]
    public async Task Ingest_UnreadableMessages_AreListedShownAndReplayedOnceTheyCanBeRead()
    {
        Append(Event("t1", "1754000000000000"), "{broken", Event("t2", "1754000000000"), Event("t3", "1754000001000"));

        var ingest = await _fstore.RunAsync("ingest", "--json");
        Assert.True(ingest.Code == 0, ingest.Error);
        Assert.Contains("\"Rows\":1,\"DeadLetters\":3", ingest.Output, StringComparison.Ordinal);
        Assert.Contains("""{"Topic":"bank.public.nobodys","Messages":1,"Declared":false}""", ingest.Output, StringComparison.Ordinal);

        var list = await _fstore.RunAsync("ingest", "dead-letters", "list", "--json");
        Assert.Equal(3, list.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("""{"topic":"bank.public.transactions","partition":0,"offset":1,"byte":1,"path":"$","reason":"not JSON"}""", list.Output, StringComparison.Ordinal);
        Assert.Contains("\"path\":\"$.after.time\"", list.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", list.Output, StringComparison.Ordinal);

        var shown = await _fstore.RunAsync("ingest", "dead-letters", "show", "--topic", Topic, "--offset", "2", "--json");
        Assert.DoesNotContain("secret", shown.Output, StringComparison.Ordinal);
        var payload = await _fstore.RunAsync("ingest", "dead-letters", "show", "--topic", Topic, "--offset", "2", "--payload");
        Assert.Contains("secret", payload.Output, StringComparison.Ordinal);

        await ReplayAsync(rows: 0, left: 3);
        await File.AppendAllTextAsync(Path.Combine(_fstore.Repo, "feature_store.yaml"), "  ingest: {time_units: {transactions: {time: milliseconds}}}\n");
        await ReplayAsync(rows: 2, left: 1);
        await ReplayAsync(rows: 0, left: 1);
    }

    [SkippableFact]
    public async Task IngestFromKafka_UnreadableMessages_AreListedShownAndReplayedOnceTheyCanBeRead()
    {
        await using var server = await KafkaServer.StartAsync("num.partitions=1");
        var yaml = Path.Combine(_fstore.Repo, "feature_store.yaml");
        await File.AppendAllTextAsync(yaml, $"  kafka: {{bootstrap_servers: '{server.Address}', cluster: test, session_timeout_ms: 6000, {string.Join(", ", KafkaServer.ClientSettings.Select(s => $"{s.Key}: '{s.Value}'"))}}}\n");
        string[] values = [Event("t1", "1754000000000000"), "{broken", Event("t2", "1754000000000"), Event("t3", "1754000001000")];
        server.Write(Topic, values.Select((v, i) => new KafkaRecord(Encoding.UTF8.GetBytes($$"""{"transaction_id":"t{{i}}"}"""), Encoding.UTF8.GetBytes(v))));
        var ingest = await _fstore.RunAsync("ingest", "--from", "kafka", "--json");
        Assert.True(ingest.Code == 0, ingest.Error);
        Assert.Contains("\"Rows\":1,\"DeadLetters\":3", ingest.Output, StringComparison.Ordinal);

        var list = await _fstore.RunAsync("ingest", "dead-letters", "list", "--from", "kafka", "--json");
        Assert.Equal(3, list.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("""{"topic":"bank.public.transactions","partition":0,"offset":1,"byte":1,"path":"$","reason":"not JSON"}""", list.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", list.Output, StringComparison.Ordinal);
        string[] show = ["ingest", "dead-letters", "show", "--from", "kafka", "--topic", Topic, "--offset", "2"];
        Assert.DoesNotContain("secret", (await _fstore.RunAsync(show)).Output, StringComparison.Ordinal);
        Assert.Contains("secret", (await _fstore.RunAsync([.. show, "--payload"])).Output, StringComparison.Ordinal);
        Assert.Equal((1, true), Outcome(await _fstore.RunAsync([.. show, "--partition", "1"]), "no dead letter at offset 2 of partition 1"));
        Assert.Equal((2, true), Outcome(await _fstore.RunAsync("ingest", "dead-letters", "list", "--from", "kafka", "--topic", "absent"), "a topic 'absent'"));

        await File.AppendAllTextAsync(yaml, "  ingest: {time_units: {transactions: {time: milliseconds}}}\n");
        await ReplayAsync(rows: 2, left: 1, "--from", "kafka");
        await ReplayAsync(rows: 0, left: 1, "--from", "kafka");
    }

    [Fact]
    public async Task DeadLetters_WhatIsNotThere_IsNamed()
    {
        Append(Event("t1", "1754000000000000"));
        Assert.Equal((2, true), Outcome(await _fstore.RunAsync("ingest", "dead-letters", "list", "--topic", "absent"), "no topic 'absent'"));
        Assert.Equal((2, true), Outcome(await _fstore.RunAsync("ingest", "dead-letters", "list", "--limit", "0"), "--limit"));
        Assert.Equal((1, true), Outcome(await _fstore.RunAsync("ingest", "dead-letters", "show", "--topic", Topic, "--offset", "0"), "no dead letter at offset 0"));
    }

    private static (int Code, bool Says) Outcome((int Code, string Output, string Error) result, string text) => (result.Code, result.Error.Contains(text, StringComparison.Ordinal));

    private static string Event(string id, string time) =>
        $$$"""{"before":null,"after":{"user_id":"secret","transaction_id":"{{{id}}}","amount":1.5,"time":{{{time}}}},"source":{"name":"bank","lsn":{{{id[1..]}}},"ts_us":1754000000000000},"op":"c"}""";

    private async Task ReplayAsync(int rows, int left, params string[] from)
    {
        var replay = await _fstore.RunAsync(["ingest", "dead-letters", "replay", "--topic", Topic, "--json", .. from]);
        Assert.True(replay.Code == 0, replay.Error);
        Assert.Equal($$"""{"Table":"cdc/transactions","Rows":{{rows}},"DeadLettersLeft":{{left}}}""", replay.Output.Trim());
    }

    private void Append(params string[] values)
    {
        using var log = EmbeddedChangeLog.Open(Path.Combine(_fstore.Repo, "data", "log.db"));
        log.Append(log.Topic(Topic), [.. values.Select((v, i) => new LogMessage(Encoding.UTF8.GetBytes($$"""{"transaction_id":"t{{i}}"}"""), Encoding.UTF8.GetBytes(v)))]);
        log.Append(log.Topic("bank.public.nobodys"), [new LogMessage(null, "{}"u8.ToArray())]);
    }
}
