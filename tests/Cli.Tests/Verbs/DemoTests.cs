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
        var parity = Parity().Match(first.Output);
        Assert.True(parity.Success && parity.Groups[1].Value == parity.Groups[2].Value, first.Output);
        Assert.Contains("NOT_FOUND", first.Output, StringComparison.Ordinal);

        var shown = await _fstore.RunAsync("features", "show", "--as-of", "2100-01-01", "--json");
        var second = await _fstore.RunAsync("demo");
        Assert.True(second.Code == 0, second.Error);
        Assert.Contains("0 rows imported", second.Output, StringComparison.Ordinal);
        Assert.Contains(" 0 rows landed", second.Output, StringComparison.Ordinal);
        Assert.Contains(" 0 new rows", second.Output, StringComparison.Ordinal);
        Assert.Equal(shown.Output, (await _fstore.RunAsync("features", "show", "--as-of", "2100-01-01", "--json")).Output);
        Assert.Equal(parity.Value, Parity().Match(second.Output).Value);

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
            Assert.Contains("\"num_transactions_l1w\":{\"value\":4,\"status\":\"PRESENT\"", answer.Output, StringComparison.Ordinal);

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

    [GeneratedRegex("([0-9,]+) of ([0-9,]+) equal")]
    private static partial Regex Parity();

    [GeneratedRegex(@"127\.0\.0\.1:[0-9]+")]
    private static partial Regex Target();
}
