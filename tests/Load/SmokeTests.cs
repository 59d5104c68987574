namespace FeatureStore.Load;

public sealed class SmokeTests
{
    [Fact]
    public async Task Compare_ATinyRun_AnswersRightAndPrintsAllLoads()
    {
        await using var output = new StringWriter();
        var options = new ComparisonOptions(Redis: false, Entities: 50, Rows: 2, Pairs: 1, TimeSpan.FromMilliseconds(200), ServerCore: 0, WarmCalls: 10);
        await new Comparison(options, output).RunAsync();
        foreach (var line in new[] { "closed c=1 ", "closed c=10 ", "closed c=50 ", "open, half load", "share of the echo" })
        {
            Assert.Contains(line, output.ToString(), StringComparison.Ordinal);
        }
    }
}
