using System.Text;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Import;

namespace FeatureStore.Cli.Tests.Verbs;

public sealed class GenerateTests : IDisposable
{
    private readonly Fstore _fstore = new();
    private readonly Fstore _other = new();

    public void Dispose()
    {
        _fstore.Dispose();
        _other.Dispose();
    }

    [Fact]
    public async Task Generate_MoreDays_AppendOnlyTheNew()
    {
        Assert.Contains("\"Days\":10,", (await GenerateAsync(_fstore, 10)).Output, StringComparison.Ordinal);
        var ten = Events(_fstore);
        Assert.Contains("\"Customers\":0,\"Changes\":0,", (await GenerateAsync(_fstore, 10)).Output, StringComparison.Ordinal);
        Assert.Contains("\"Customers\":0,", (await GenerateAsync(_fstore, 24)).Output, StringComparison.Ordinal);
        var grown = Events(_fstore);
        await GenerateAsync(_other, 24);
        Assert.Equal(Events(_other), grown);
        Assert.Equal(ten, grown[..ten.Count]);
        Assert.True(grown.Count > ten.Count);
        Assert.All(new[] { "c ", "u ", "d ", "tombstone " }, op => Assert.Contains(grown, e => e.StartsWith(op, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Generate_Ingested_LandsEveryEventButTombstones()
    {
        await GenerateAsync(_fstore, 24);
        var events = Events(_fstore);
        var result = await _fstore.RunAsync("ingest", "--json");
        Assert.True(result.Code == 0, result.Error);
        Assert.Contains($"\"Table\":\"cdc/transactions\",\"Rows\":{events.Count(e => !e.StartsWith("tombstone", StringComparison.Ordinal))},\"DeadLetters\":0", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--days", "0", "--days")]
    [InlineData("--first-day", "2026-13-01", "2026-01-31")]
    [InlineData("--first-day", "2999-01-01", "has not passed")]
    [InlineData("--seed", "-1", "--seed")]
    public async Task Generate_OptionOutOfRange_IsRefused(string option, string value, string text)
    {
        var result = await _fstore.RunAsync("generate", option, value);
        Assert.Equal(2, result.Code);
        Assert.Contains(text, result.Error, StringComparison.Ordinal);
    }

    private static Task<(int Code, string Output, string Error)> GenerateAsync(Fstore fstore, int days) =>
        fstore.RunAsync("generate", "--users", "50", "--days", $"{days}", "--seed", "11", "--first-day", "2026-01-05", "--json");

    private static List<string> Events(Fstore fstore)
    {
        using var log = EmbeddedChangeLog.Open(Path.Combine(fstore.Repo, "data", "log.db"));
        var reader = new EnvelopeReader(ImportTable.Transactions.Columns);
        return [.. log.Read(log.Topic(ImportTable.Transactions.Topic), 0, 1_000_000).Select(m =>
        {
            var read = reader.Read(m.Message);
            Assert.Null(read.Fault);
            return read.Row is { } row
                ? $"{row.Op} {row.Key} {row.CommitTimeMicros} {string.Join(' ', row.Values)}"
                : $"tombstone {Encoding.UTF8.GetString(m.Message.Key!)}";
        })];
    }
}
