using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary>A model scored by the command and by the server, over what was written to the online store.</summary>
public sealed partial class ScoreTests : IDisposable
{
    private const string Weekly = "num_transactions_l1w,total_amount_l1w,avg_amount_l1w,min_amount_l1w,max_amount_l1w,num_vendors_l1w,num_sources_l1w";

    private static readonly string[] Decision = ["amount_of", "twice_of", "urgent_of", "items_of", "numbered_of", "length_of", "null_of"];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [Fact]
    public async Task Score_ByCommandAndServer_GivesTheSameAndLoadsOnlyWhatItNeeds()
    {
        await Ok("apply");
        using var server = _fstore.Start("serve", "--grpc-port", "0", "--http-port", "0");
        try
        {
            var line = await server.StandardOutput.ReadLineAsync();
            using var http = new HttpClient { BaseAddress = new Uri($"http://{Target().Matches(line ?? string.Empty)[^1].Value}") };
            await WriteAsync(http, "user_transactions_l1w", new Dictionary<string, object[]>
            {
                ["user_id"] = ["576"],
                ["event_timestamp"] = [DateTimeOffset.UtcNow.ToString("O")],
                ["num_transactions_l1w"] = [4],
                ["total_amount_l1w"] = [1614.0],
                ["avg_amount_l1w"] = [403.5],
                ["min_amount_l1w"] = [14.6],
                ["max_amount_l1w"] = [1200.0],
                ["num_vendors_l1w"] = [0],
                ["num_sources_l1w"] = [2],
            });
            Assert.Equal(HttpStatusCode.NotFound, (await AskAsync(http)).StatusCode);
            Assert.DoesNotContain(Maps(server), m => m.Contains("onnxruntime", StringComparison.Ordinal));
            await Ok("models", "add", "outflow", Path.Combine(AppContext.BaseDirectory, "models", "xgboost.ubj"), "--feature-service", "fraud_v1", "--features", Weekly, "--missing", "refuse");
            await Ok("models", "promote", "outflow", "1");
            var served = await UntilServedAsync(http);
            Assert.Contains(Maps(server), m => m.Contains("onnxruntime", StringComparison.Ordinal));
            Assert.DoesNotContain(Maps(server), m => m.Contains("duckdb", StringComparison.Ordinal));
            var scored = JsonDocument.Parse(await Ok("score", "--model", "outflow", "--entities", "user_id=576", "--json")).RootElement;
            Assert.Equal(served.GetProperty("rows")[0].GetProperty("scores").GetRawText(), scored.GetProperty("scores").GetRawText());
            Assert.Equal("SCORED", scored.GetProperty("outcome").GetString());
            Assert.Equal(4, scored.GetProperty("features").GetProperty("num_transactions_l1w").GetProperty("value").GetInt32());
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }

        var refused = await _fstore.RunAsync("score", "--model", "outflow", "--entities", "user_id=576,nobody");
        Assert.Equal(1, refused.Code);
        Assert.Contains("REFUSED", refused.Output, StringComparison.Ordinal);
        Assert.Contains("NOT_FOUND", refused.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Receipts_OfScores_AreListedShownAndReplayed()
    {
        await Ok("apply");
        var off = await _fstore.RunAsync("receipts", "list");
        Assert.Equal(2, off.Code);
        Assert.Contains("receipts: {folder: data/receipts}", off.Error, StringComparison.Ordinal);
        await File.AppendAllTextAsync(Path.Combine(_fstore.Repo, "feature_store.yaml"), "  receipts: {folder: data/receipts}\n");
        await Ok("models", "add", "outflow", Path.Combine(AppContext.BaseDirectory, "models", "xgboost.ubj"), "--feature-service", "fraud_v1", "--features", Weekly, "--missing", "nan");
        await Ok("models", "promote", "outflow", "1");
        await Ok("score", "--model", "outflow", "--entities", "user_id=4711,576", "--request-id", "first");
        await Ok("score", "--model", "outflow", "--entities", "user_id=576");
        Assert.Contains("2 requests, 3 scores run again: the same score, bit for bit", await Ok("receipts", "replay", "--all"), StringComparison.Ordinal);
        Assert.Contains("1 requests, 2 scores", await Ok("receipts", "replay", "first"), StringComparison.Ordinal);
        var lines = (await Ok("receipts", "list", "--entities", "user_id=576", "--json")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Contains("\"request_id\":\"first\"", lines[0], StringComparison.Ordinal);
        var shown = await Ok("receipts", "show", "first");
        Assert.Contains("num_transactions_l1w", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("4711", shown, StringComparison.Ordinal);
        Assert.Equal(1, (await _fstore.RunAsync("receipts", "show", "nothing")).Code);
        Assert.Equal(2, (await _fstore.RunAsync("receipts", "replay")).Code);
    }

    [Fact]
    public async Task Score_OnWhatTheRequestBrings_TakesEachValueByItsDeclaredType()
    {
        await AddDecisionAsync();
        string[] ask = ["score", "--model", "decision", "--entities", "user_id=a,b", "--request", "amount=250,12.5", "--request", "urgent=true,false", "--request", "items=3,null", "--json"];
        var rows = (await Ok([.. ask, "--request", "channel=007,\"null\""])).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement).ToArray();
        Assert.Equal(["SCORED", "SCORED"], rows.Select(r => r.GetProperty("outcome").GetString()));
        Assert.Equal(["250.0 500.0 1 3 1 3 0", "12.5 25.0 0 -1 0 4 1"], rows.Select(r => string.Join(' ', Decision.Select(f => Feature(r, f)))));

        var lacking = await _fstore.RunAsync(ask);
        Assert.Equal(2, lacking.Code);
        Assert.Contains("lacks channel", lacking.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--request 'urgent': Entity value 'maybe' does not suit type BOOL", "--request", "urgent=maybe")]
    [InlineData("--request 'amount': Entity value 'much' does not suit type DOUBLE", "--request", "amount=much")]
    [InlineData("write amount=250,12.5", "--request", "amount")]
    [InlineData("no on-demand view of the model takes", "--request", "color=1")]
    [InlineData("send it as --request amount=2", "--entities", "amount=2")]
    public async Task Score_OnWhatNoSourceDeclares_IsRefused(string text, params string[] options)
    {
        await AddDecisionAsync();
        var result = await _fstore.RunAsync(["score", "--model", "decision", "--entities", "user_id=a", .. options]);
        Assert.Contains(text, result.Error, StringComparison.Ordinal);
        Assert.Equal(2, result.Code);
    }

    [Theory]
    [InlineData(1, "no live model 'other'", "--model", "other", "--entities", "user_id=1")]
    [InlineData(2, "write user_id=1,2", "--model", "outflow", "--entities", "1")]
    [InlineData(2, "no join key of the project", "--model", "outflow", "--entities", "shop=1")]
    [InlineData(2, "request id", "--model", "outflow", "--entities", "user_id=1", "--request-id", "a b")]
    public async Task Score_ThatCannotSucceed_TellsWhyInItsCode(int code, string text, params string[] options)
    {
        await Ok("apply");
        await Ok("models", "add", "outflow", Path.Combine(AppContext.BaseDirectory, "models", "xgboost.ubj"), "--feature-service", "fraud_v1", "--features", Weekly);
        await Ok("models", "promote", "outflow", "1");
        var result = await _fstore.RunAsync(["score", .. options]);
        Assert.Contains(text, result.Error, StringComparison.Ordinal);
        Assert.Equal(code, result.Code);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"[0-9.]+:\d+")]
    private static partial Regex Target();

    private static string[] Maps(Process server) => OperatingSystem.IsLinux() ? File.ReadAllLines($"/proc/{server.Id}/maps") : [];

    private static string Feature(JsonElement row, string feature) => row.GetProperty("features").GetProperty(feature).GetProperty("value").GetRawText();

    /// <summary>A model of seven features that are all made of what the request brings.</summary>
    private async Task AddDecisionAsync()
    {
        await File.WriteAllTextAsync(Path.Combine(_fstore.Repo, "features", "decision.yaml"), """
            request_sources:
              - name: decision_request
                schema:
                  - {name: amount, dtype: Float64}
                  - {name: urgent, dtype: Bool}
                  - {name: items, dtype: Int64}
                  - {name: channel, dtype: String}
            on_demand_feature_views:
              - name: decision_inputs
                sources: [decision_request]
                features:
                  - {name: amount_of, dtype: Float64, expr: "amount"}
                  - {name: twice_of, dtype: Float64, expr: "amount * 2"}
                  - {name: urgent_of, dtype: Int64, expr: "case when urgent then 1 else 0 end"}
                  - {name: items_of, dtype: Int64, expr: "coalesce(items, -1)"}
                  - {name: numbered_of, dtype: Int64, expr: "case when channel = '007' then 1 else 0 end"}
                  - {name: length_of, dtype: Int64, expr: "length(channel)"}
                  - {name: null_of, dtype: Int64, expr: "case when channel = 'null' then 1 else 0 end"}
            feature_services:
              - name: decision_v1
                features: [user_transactions_l1w, decision_inputs]
            """);
        await Ok("apply");
        await Ok("models", "add", "decision", Path.Combine(AppContext.BaseDirectory, "models", "xgboost.ubj"), "--feature-service", "decision_v1", "--features", string.Join(',', Decision));
        await Ok("models", "promote", "decision", "1");
    }

    private static async Task WriteAsync(HttpClient http, string view, Dictionary<string, object[]> columns)
    {
        using var answer = await http.PostAsJsonAsync(new Uri("write-to-online-store", UriKind.Relative), new { feature_view_name = view, df = columns });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private static Task<HttpResponseMessage> AskAsync(HttpClient http) =>
        http.PostAsJsonAsync(new Uri("score", UriKind.Relative), new { model = "outflow", entities = new { user_id = new[] { "576" } } });

    private static async Task<JsonElement> UntilServedAsync(HttpClient http)
    {
        for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < Patience; await Task.Yield())
        {
            using var answer = await AskAsync(http);
            if (answer.StatusCode == HttpStatusCode.OK)
            {
                return await answer.Content.ReadFromJsonAsync<JsonElement>();
            }
        }

        throw new TimeoutException("The server did not take up the model.");
    }

    private async Task<string> Ok(params string[] arguments)
    {
        var result = await _fstore.RunAsync(arguments);
        Assert.True(result.Code == 0, result.Error);
        return result.Output;
    }
}
