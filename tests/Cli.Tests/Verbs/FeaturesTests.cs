using System.Globalization;
using System.Text;
using FeatureStore.Ingest.ChangeLog;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary>A late row and a correction: what was known before can be asked for, and only what they touch is computed anew.</summary>
public sealed class FeaturesTests : IDisposable
{
    private const string Monday = "2025-11-03";
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [Fact]
    public async Task Compute_Touched_ReopensTheUserAndWeekAndKeepsWhatWasKnown()
    {
        await LandAsync(Event("t1", 1, "u1", 10, "2025-10-28", "2025-10-28"), Event("t2", 2, "u2", 7, "2025-10-28", "2025-10-28"));
        Assert.Equal(0, (await _fstore.RunAsync("apply")).Code);
        var first = await _fstore.RunAsync("features", "compute", "--as-of", Monday);
        Assert.True(first.Code == 0, first.Error);

        await LandAsync(Event("t3", 3, "u1", 5, "2025-10-30", "2025-11-05"));
        var touched = await _fstore.RunAsync("features", "compute", "--touched", "--json");
        Assert.Equal("""{"View":"user_transactions_l1w","Users":1,"Weeks":1,"Rows":1,"WeeksWhole":0,"FromVersion":0,"ToVersion":1}""", touched.Output.Trim());

        Assert.Contains("\"total_amount_l1w\":15", await ShowAsync(), StringComparison.Ordinal);
        Assert.Contains("\"total_amount_l1w\":10", await ShowAsync("--as-of-known", "2025-11-04"), StringComparison.Ordinal);
        Assert.Equal(2, (await ShowAsync("--history")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);

        var rows = await _fstore.RunAsync("features", "source-rows", "--table", "cdc/transactions", "--as-of-known", "2025-11-04", "--json");
        Assert.Equal(2, rows.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("\"known_from\":\"2025-10-28T00:00:00Z\"", rows.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Features_WrongQuestions_AreRefusedWithTheWayOut()
    {
        foreach (var (arguments, text, code) in new (string[], string, int)[]
        {
            (["features", "compute"], "--touched", 2),
            (["features", "compute", "--touched", "--as-of", Monday], "--touched", 2),
            (["features", "source-rows", "--table", "absent"], "holds no table", 3),
            (["features", "source-rows", "--table", "absent", "--limit", "0"], "--limit", 2),
        })
        {
            var result = await _fstore.RunAsync(arguments);
            Assert.Contains(text, result.Error, StringComparison.Ordinal);
            Assert.True(code == result.Code, $"{string.Join(' ', arguments)}: {result.Code} {result.Error}");
        }
    }

    private static string Event(string id, int lsn, string user, int amount, string time, string known) =>
        $$$"""{"before":null,"after":{"user_id":"{{{user}}}","transaction_id":"{{{id}}}","amount":{{{amount}}},"vendor":"v","sources":"s","time":{{{Micros(time)}}}},"source":{"name":"bank","lsn":{{{lsn}}},"ts_us":{{{Micros(known)}}}},"op":"c"}""";

    private static long Micros(string day) => DateTimeOffset.Parse(day, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal).ToUnixTimeMilliseconds() * 1_000;

    private async Task<string> ShowAsync(params string[] more)
    {
        var shown = await _fstore.RunAsync(["features", "show", "--as-of", Monday, "--user", "u1", "--json", .. more]);
        Assert.True(shown.Code == 0, shown.Error);
        return shown.Output;
    }

    private async Task LandAsync(params string[] events)
    {
        using (var log = EmbeddedChangeLog.Open(Path.Combine(_fstore.Repo, "data", "log.db")))
        {
            log.Append(log.Topic("bank.public.transactions"), [.. events.Select(e => new LogMessage(null, Encoding.UTF8.GetBytes(e)))]);
        }

        var ingest = await _fstore.RunAsync("ingest");
        Assert.True(ingest.Code == 0, ingest.Error);
        Assert.Contains("0 dead letters", ingest.Output, StringComparison.Ordinal);
    }
}
