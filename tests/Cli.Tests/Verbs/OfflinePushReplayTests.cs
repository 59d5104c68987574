using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FeatureStore.Tests.Servers;
using StackExchange.Redis;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary>Feast's recorded offline pushes, sent again: the rows that its source file then held lie in the lake, and materialise puts the recorded hash into Redis.</summary>
public sealed partial class OfflinePushReplayTests : IDisposable
{
    private const string Table = "pushed/user_transactions";

    private const string Definitions =
        $$"""
        entities: [{name: user, join_keys: [user_id], value_type: STRING}]
        sources: [{name: user_transactions_source, path: {{Table}}, timestamp_field: event_timestamp, created_timestamp_column: created_timestamp}]
        push_sources: [{name: user_transactions_push, batch_source: user_transactions_source}]
        feature_views:
          - name: user_transactions_l1w
            entities: [user]
            ttl: 7d
            source: user_transactions_push
            schema:
        {{RecordedSchemas.Weekly}}
        """;

    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [SkippableFact]
    public async Task Send_RecordedOfflinePushes_LandAndMaterialiseAsRecorded()
    {
        RedisServer.Need();
        await using var redis = await RedisServer.StartAsync();
        _fstore.Define(Definitions);
        _fstore.UseOnlineStore($"{{type: redis, connection_string: \"{redis.Address}\"}}");
        Assert.Equal(0, (await _fstore.RunAsync("apply")).Code);
        var cases = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "Golden", "feast067_push_offline.json")))
            .RootElement.GetProperty("cases").EnumerateArray().ToArray();
        using var server = _fstore.Start("serve", "--grpc-port", "0", "--http-port", "0");
        try
        {
            var line = await server.StandardOutput.ReadLineAsync();
            using var http = new HttpClient { BaseAddress = new Uri($"http://{Target().Matches(line ?? string.Empty)[^1].Value}") };
            var expected = new List<string>();
            foreach (var recorded in cases.Where(c => c.TryGetProperty("exchange", out _)))
            {
                await SendAsync(http, recorded.GetProperty("exchange"));
                if (recorded.GetProperty("name").GetString() == "push offline, num_sources_l1w missing")
                {
                    // The recorded file has the row of a push by now that is not among the cases.
                    using var other = await PushAsync(http, cases[0].GetProperty("exchange").GetProperty("request_body").GetString()!.Replace("pa2", "pa3", StringComparison.Ordinal));
                }

                expected.AddRange(Added(recorded.GetProperty("parquet"), expected.Count));
                Assert.Equal(0, (await _fstore.RunAsync("ingest")).Code);
                Assert.Equal(expected.Order(StringComparer.Ordinal), (await LandedAsync(recorded)).Order(StringComparer.Ordinal));
            }
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }

        var materialized = cases.Single(c => c.TryGetProperty("result", out _));
        var run = await _fstore.RunAsync(materialized.GetProperty("result").GetProperty("command").GetString()!.Split(' ')[1..]);
        Assert.Equal(materialized.GetProperty("result").GetProperty("rc").GetInt32(), run.Code);
        await CompareAsync(redis.Address, materialized.GetProperty("redis")[0]);
    }

    private static async Task<HttpResponseMessage> PushAsync(HttpClient http, string json)
    {
        using var body = new StringContent(json, Encoding.UTF8, "application/json");
        return await http.PostAsync(new Uri("/push", UriKind.Relative), body);
    }

    private static async Task SendAsync(HttpClient http, JsonElement exchange)
    {
        using var answer = await PushAsync(http, exchange.GetProperty("request_body").GetString()!);
        var text = await answer.Content.ReadAsStringAsync();

        // A mistake of the client is no 500 here; what is missing is named either way.
        var recorded = exchange.GetProperty("status").GetInt32();
        Assert.True((recorded == 500 ? 400 : recorded) == (int)answer.StatusCode, $"{exchange.GetProperty("name")}: {answer.StatusCode} {text}");
        if (recorded == 500)
        {
            Assert.Contains(Missing().Match(exchange.GetProperty("response_body").GetString()!).Groups[1].Value, text, StringComparison.Ordinal);
        }
    }

    // Feast puts what was pushed before the rows of its file, the newest first, and the recording shows three.
    private static IEnumerable<string> Added(JsonElement parquet, int before)
    {
        const int RowsOfTheFile = 64;
        var count = parquet.GetProperty("rows_total").GetInt32() - RowsOfTheFile - before;
        return parquet.GetProperty("first_3_rows").EnumerateArray().Take(count).Select(r => string.Join(' ', r.EnumerateArray().Select(c => Cell(JsonValue.Create(c)))));
    }

    private async Task<IEnumerable<string>> LandedAsync(JsonElement recorded)
    {
        var columns = recorded.GetProperty("parquet").GetProperty("schema").EnumerateArray().Select(c => c.GetString()!.Split(':')[0]).ToArray();
        var rows = await _fstore.RunAsync("lake", "rows", Table);
        Assert.Equal(0, rows.Code);
        return rows.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => JsonNode.Parse(l)!.AsObject())
            .Select(r => string.Join(' ', columns.Select(c => Cell(r[c]))));
    }

    // Times and numbers are written in other forms there.
    private static string Cell(JsonNode? cell) => cell is null || cell.GetValueKind() == JsonValueKind.Null ? "null"
        : cell.GetValueKind() == JsonValueKind.Number ? cell.GetValue<double>().ToString("R", CultureInfo.InvariantCulture)
        : DateTimeOffset.TryParse(cell.GetValue<string>(), CultureInfo.InvariantCulture, out var time) ? time.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture)
        : cell.GetValue<string>();

    private static async Task CompareAsync(string address, JsonElement recorded)
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(address);
        var stored = (await redis.GetDatabase().HashGetAllAsync(Convert.FromHexString(recorded.GetProperty("key_hex").GetString()!)))
            .ToDictionary(f => Convert.ToHexStringLower((byte[])f.Name!), f => Convert.ToHexStringLower((byte[])f.Value!));
        Assert.Equal(recorded.GetProperty("hash").EnumerateObject().ToDictionary(f => f.Name, f => f.Value.GetString()!), stored);
    }

    [GeneratedRegex(@"127\.0\.0\.1:[0-9]+")]
    private static partial Regex Target();

    [GeneratedRegex(@"missing_expected_columns: \['(\w+)'\]")]
    private static partial Regex Missing();
}
