using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary>The bank's on-demand view, served and exported: the same values for every user.</summary>
public sealed partial class OnDemandTests : IDisposable
{
    private static readonly string[] Features = ["payment_ratios:amount_vs_avg_l1w", "payment_ratios:exceeds_max_l1w", "payment_ratios:amount_per_transaction_l1w"];

    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [Fact]
    public async Task Ask_EveryUser_GetsWhatIsExported()
    {
        await RunAsync("apply");
        Assert.Contains("amount / avg_amount_l1w", await RunAsync("on-demand-feature-views", "describe", "payment_ratios"), StringComparison.Ordinal);
        await RunAsync("generate", "--users", "40", "--days", "12", "--seed", "5");
        await RunAsync("ingest");
        var today = $"{DateTime.UtcNow.Date:yyyy-MM-dd}";
        await RunAsync("features", "compute", "--as-of", today);
        await RunAsync("materialize-incremental", today);
        var exported = await ExportAsync();
        using var server = _fstore.Start("serve", "--grpc-port", "0", "--http-port", "0");
        try
        {
            var addresses = Address().Matches(await server.StandardOutput.ReadLineAsync() ?? string.Empty);
            using var http = new HttpClient { BaseAddress = new Uri($"http://{addresses[^1].Value}") };
            var entities = new { user_id = exported.Select(r => r.User), amount = exported.Select(r => r.Amount) };
            using var answer = await http.PostAsJsonAsync("get-online-features", new { features = Features, entities });
            using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            var columns = json.RootElement.GetProperty("results").EnumerateArray().Skip(1).Select(r => r.GetProperty("values")).ToArray();
            Assert.Equal(exported.Select(r => r.Values), exported.Select((_, row) => string.Join(' ', columns.Select(c => Text(c[row])))));
            Assert.InRange(exported.Count(r => !r.Values.Contains("null", StringComparison.Ordinal)), exported.Count / 2, exported.Count);

            var line = await RunAsync("get-online-features", "--features", string.Join(',', Features), "--entities", $"user_id={exported[0].User}", "--request", "amount=10", "--target", addresses[0].Value, "--json");
            Assert.Equal(exported[0].Values, string.Join(' ', JsonDocument.Parse(line).RootElement.EnumerateObject().Skip(1).Select(f => Text(f.Value.GetProperty("value")))));
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    private async Task<List<(string User, double Amount, string Values)>> ExportAsync()
    {
        var path = Path.Combine(_fstore.Repo, "payments.json.csv");
        await RunAsync(
            "get-historical-features", "--features", string.Join(',', Features), "--output", path, "--labels-sql",
            $"SELECT user_id, CAST(10 * row_number() OVER (ORDER BY user_id) AS DOUBLE) AS amount, TIMESTAMPTZ '{DateTime.UtcNow:yyyy-MM-dd HH:mm:ss}Z' + INTERVAL 1 SECOND AS event_timestamp FROM (SELECT DISTINCT user_id FROM \"cdc/transactions\")");
        var lines = await File.ReadAllLinesAsync(path);
        Assert.Equal("user_id,amount,event_timestamp,amount_vs_avg_l1w,exceeds_max_l1w,amount_per_transaction_l1w", lines[0]);
        return [.. lines.Skip(1).Select(l => l.Split(',')).Select(c => (c[0], double.Parse(c[1], CultureInfo.InvariantCulture), string.Join(' ', c.Skip(3).Select(Text))))];
    }

    private static string Text(string cell) => cell.Length == 0 ? "null" : double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? Bits(number) : cell;

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.Number ? Bits(value.GetDouble()) : value.GetRawText();

    private static string Bits(double number) => $"{BitConverter.DoubleToInt64Bits(number):x16}";

    private async Task<string> RunAsync(params string[] arguments)
    {
        var (code, output, error) = await _fstore.RunAsync(arguments);
        Assert.True(code == 0, $"fstore {string.Join(' ', arguments)} ended with {code}: {error}");
        return output;
    }

    [GeneratedRegex(@"(127\.0\.0\.1|localhost):\d+")]
    private static partial Regex Address();
}
