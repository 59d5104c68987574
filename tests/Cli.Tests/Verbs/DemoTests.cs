using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace FeatureStore.Cli.Tests.Verbs;

public sealed partial class DemoTests : IDisposable
{
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [Fact]
    public async Task Demo_Twice_ProvesParityAndDoublesNothing()
    {
        var first = await _fstore.RunAsync("demo");
        Assert.True(first.Code == 0, first.Error);
        Assert.Contains("28,205 rows imported", first.Output, StringComparison.Ordinal);
        Assert.Contains("28,205 rows landed", first.Output, StringComparison.Ordinal);
        Assert.Contains("4,500 rows imported", first.Output, StringComparison.Ordinal);
        Assert.Contains("demographic/customers: 4,500 rows landed", first.Output, StringComparison.Ordinal);
        var parity = Parity(first.Output, "user_transactions_l1w", "user_demographics");
        Assert.Matches("location +Ostrava - mesto", first.Output);
        Assert.Matches("over gRPC, .* over HTTP .* the same answer", first.Output);
        Assert.Contains("NOT_FOUND", first.Output, StringComparison.Ordinal);

        var shown = await _fstore.RunAsync("features", "show", "--as-of", "2100-01-01", "--json");
        var second = await _fstore.RunAsync("demo");
        Assert.True(second.Code == 0, second.Error);
        Assert.Contains("0 rows imported", second.Output, StringComparison.Ordinal);
        Assert.Contains(" 0 rows landed", second.Output, StringComparison.Ordinal);
        Assert.Contains(" 0 new rows", second.Output, StringComparison.Ordinal);
        var all = Scored().Match(second.Output);
        Assert.True(all.Success ? all.Groups["equal"].Value == all.Groups["all"].Value : second.Output.Contains("train        skipped: XGBoost", StringComparison.Ordinal) && Environment.GetEnvironmentVariable("CI") is null or "", second.Output);
        Assert.Equal(shown.Output, (await _fstore.RunAsync("features", "show", "--as-of", "2100-01-01", "--json")).Output);
        Assert.Equal(parity, Parity(second.Output, "user_transactions_l1w", "user_demographics"));

        await ServeAndAskAsync();
        await DamageAsync();
    }

    private async Task ServeAndAskAsync()
    {
        using var server = _fstore.Start("serve", "--grpc-port", "0", "--http-port", "0");
        try
        {
            var line = await server.StandardOutput.ReadLineAsync();
            var target = Target().Match(line ?? string.Empty).Value;
            Assert.NotEmpty(target);
            var answer = await _fstore.RunAsync("get-online-features", "--feature-service", "fraud_v1", "--entities", "user_id=576,nobody", "--target", target, "--json");
            Assert.True(answer.Code == 0, answer.Error);
            Assert.Equal(2, answer.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);

            // The bank's days are moved up to today, so which week is the last one depends on the day.
            var shown = await _fstore.RunAsync("features", "show", "--as-of", "2100-01-01", "--user", "576", "--json");
            var count = JsonNode.Parse(shown.Output)!["num_transactions_l1w"]!.GetValue<long>();
            Assert.Contains($$"""
                "num_transactions_l1w":{"value":{{count}},"status":"PRESENT"
                """, answer.Output, StringComparison.Ordinal);

            var unknown = await _fstore.RunAsync("get-online-features", "--features", "nowhere:x", "--entities", "user_id=1", "--target", target);
            Assert.Equal(1, unknown.Code);
            Assert.Contains("nowhere:x", unknown.Error, StringComparison.Ordinal);

            // Serving must start fast and small, so the lake's engine stays out of it.
            Assert.DoesNotContain("duckdb", await File.ReadAllTextAsync($"/proc/{server.Id}/maps"), StringComparison.OrdinalIgnoreCase);
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    private async Task DamageAsync()
    {
        await File.WriteAllTextAsync(Path.Combine(_fstore.Repo, "data", "lake", "cdc", "transactions", "_delta_log", new string('0', 20) + ".json"), "{broken");
        var computed = await _fstore.RunAsync("features", "compute", "--as-of", "2026-01-05");
        Assert.Equal(3, computed.Code);
        Assert.Contains(new string('0', 20) + ".json", computed.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", computed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Demo_SyntheticTwice_ProvesParityInItsOwnFolder()
    {
        string[] arguments = ["demo", "--synthetic", "--users", "200", "--days", "20", "--seed", "3"];
        var first = await _fstore.RunAsync(arguments);
        Assert.True(first.Code == 0, first.Error);
        Assert.Contains("200 customers", first.Output, StringComparison.Ordinal);
        var parity = Parity(first.Output, "user_transactions_l1w", "user_demographics");
        Assert.Contains("200 of 200", parity[1], StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_fstore.Repo, "data", "log.db")));

        var shown = await _fstore.RunAsync("features", "show", "--as-of", "2100-01-01", "--json", "-c", "data/synthetic");
        var second = await _fstore.RunAsync(arguments);
        Assert.True(second.Code == 0, second.Error);
        Assert.Contains("0 customers and 0 changes", second.Output, StringComparison.Ordinal);
        Assert.Contains("cdc/transactions: 0 rows landed", second.Output, StringComparison.Ordinal);
        Assert.Contains(" 0 new rows", second.Output, StringComparison.Ordinal);
        Assert.Equal(parity, Parity(second.Output, "user_transactions_l1w", "user_demographics"));
        Assert.Equal(shown.Output, (await _fstore.RunAsync("features", "show", "--as-of", "2100-01-01", "--json", "-c", "data/synthetic")).Output);

        var other = await _fstore.RunAsync("demo", "--synthetic", "--users", "201", "--days", "20", "--seed", "3");
        Assert.Equal(2, other.Code);
        Assert.Contains("whose users is 200", other.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await _fstore.RunAsync("demo", "--users", "5")).Code);
    }

    // One line for each view, and the two numbers of each are the same.
    private static string[] Parity(string output, params string[] views) => [.. views.Select(view =>
    {
        var match = Regex.Match(output, $"{view}: ([1-9][0-9,]*) of ([0-9,]+) equal");
        Assert.True(match.Success && match.Groups[1].Value == match.Groups[2].Value, output);
        return match.Value;
    })];

    [GeneratedRegex("(?<equal>[0-9,]+) of (?<all>[0-9,]+) users: the service's score is the lake's, to the bit")]
    private static partial Regex Scored();

    [GeneratedRegex(@"127\.0\.0\.1:[0-9]+")]
    private static partial Regex Target();
}
