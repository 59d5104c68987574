using System.Text.Json;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary>Training sets as a user makes them, on generated data.</summary>
public sealed class GetHistoricalFeaturesTests : IDisposable
{
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    private string In(string name) => Path.Combine(_fstore.Repo, name);

    private async Task<(string Output, string Error)> OkAsync(params string[] arguments)
    {
        var (code, output, error) = await _fstore.RunAsync(arguments);
        Assert.True(code == 0, $"fstore {string.Join(' ', arguments)} ended with {code}: {error}");
        return (output, error);
    }

    /// <summary>A month of fifty users, computed weekly, and labels at half of their transactions: naive times, in a shuffled order.</summary>
    private async Task FillAsync()
    {
        await OkAsync("apply");
        await OkAsync("generate", "--users", "50", "--days", "30", "--seed", "7");
        await OkAsync("ingest");
        var now = DateTime.UtcNow.Date;
        await OkAsync("features", "compute", "--from", $"{now.AddDays(-21):yyyy-MM-dd}", "--as-of", $"{now:yyyy-MM-dd}", "--every", "7d");
        await OkAsync(
            "get-historical-features", "--feature-service", "fraud_v1", "--output", In("made.csv"),
            "--labels-sql", "SELECT user_id, strftime(time + INTERVAL 90 MINUTE, '%Y-%m-%d %H:%M:%S') AS event_timestamp, amount > 100 AS large FROM \"cdc/transactions\" WHERE __op = 'c' AND hash(__key) % 2 = 0 ORDER BY hash(__key)");
        var lines = File.ReadAllLines(In("made.csv")).Select(l => string.Join(',', l.Split(',')[..3]).Replace("T", " ", StringComparison.Ordinal).Replace(".000000Z", string.Empty, StringComparison.Ordinal));
        File.WriteAllLines(In("labels.csv"), lines);
    }

    [Fact]
    public async Task Export_AnyZoneOfTheProcess_GivesTheSameBytes()
    {
        await FillAsync();
        string[] arguments = ["get-historical-features", "--labels", "labels.csv", "--feature-service", "fraud_v1", "--window-at", "label", "--output"];
        var made = new List<string>();
        foreach (var (zone, index) in new[] { "UTC", "Asia/Kathmandu", "America/Santiago" }.Select((z, i) => (z, i)))
        {
            var folder = Directory.CreateDirectory(In($"{index}")).FullName;
            foreach (var name in new[] { "set.parquet", "set.csv" })
            {
                var (code, _, error) = await _fstore.RunInZoneAsync(zone, [.. arguments, Path.Combine(folder, name)]);
                Assert.True(code == 0, error);
                Assert.Contains("label times name no zone; they are taken as UTC", error, StringComparison.Ordinal);
            }

            made.Add(string.Concat(Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Select(f => Convert.ToHexString(File.ReadAllBytes(f)))));
        }

        Assert.Single(made.Distinct());
        Assert.Equal(File.ReadAllLines(In("labels.csv")).Length, File.ReadAllLines(In("0/set.csv")).Length);
    }

    [Fact]
    public async Task Export_KnownTime_TellsWhatLeaksAndReplaysTheSame()
    {
        await FillAsync();
        var (output, error) = await OkAsync("get-historical-features", "--labels", In("labels.csv"), "--feature-service", "fraud_v1", "--window-at", "label", "--output", In("a.parquet"), "--json");
        using var json = JsonDocument.Parse(output);
        var leakage = json.RootElement.GetProperty("leakage");
        Assert.InRange(leakage.GetProperty("Labels").GetInt64(), 1, json.RootElement.GetProperty("rows").GetInt64());
        Assert.Contains("Leakage: a join on event time alone would change", error, StringComparison.Ordinal);

        await OkAsync("generate", "--users", "50", "--days", "33", "--seed", "7");
        await OkAsync("ingest");
        var (replayed, _) = await OkAsync("get-historical-features", "--replay", In("a.parquet"), "--output", In("b.parquet"));
        Assert.Contains(json.RootElement.GetProperty("sha256").GetString()!, replayed, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(In("a.parquet")), File.ReadAllBytes(In("b.parquet")));

        var (listed, _) = await OkAsync("datasets", "list", _fstore.Repo);
        Assert.Contains("a.parquet", listed, StringComparison.Ordinal);
        var (shown, _) = await OkAsync("datasets", "show", In("a.parquet"));
        Assert.Contains("known time commit", shown, StringComparison.Ordinal);
        Assert.Contains("cdc/transactions at version", shown, StringComparison.Ordinal);
        await OkAsync("datasets", "verify", In("a.parquet"));
        File.AppendAllText(In("a.parquet"), "x");
        var (code, told, _) = await _fstore.RunAsync("datasets", "verify", In("a.parquet"));
        Assert.Equal(1, code);
        Assert.Contains("were written", told, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "Name either --labels FILE or --labels-sql QUERY", "--feature-service", "fraud_v1")]
    [InlineData(2, "Name either --feature-service or --features", "--labels", "labels.csv")]
    [InlineData(2, "--available-after is 'soon'", "--labels", "labels.csv", "--feature-service", "fraud_v1", "--available-after", "soon")]
    [InlineData(2, "--at-version is 'features'", "--labels", "labels.csv", "--feature-service", "fraud_v1", "--at-version", "features")]
    [InlineData(1, "There is no feature service 'fraud_v9'; there are: fraud_v1", "--labels", "labels.csv", "--feature-service", "fraud_v9")]
    [InlineData(1, "has no feature 'agee'; it has age", "--labels", "labels.csv", "--features", "user_demographics:agee")]
    [InlineData(1, "nowhere.csv does not exist", "--labels", "nowhere.csv", "--feature-service", "fraud_v1")]
    [InlineData(1, "labels.csv, line 2, column event_timestamp: 'soon' is no time", "--labels", "labels.csv", "--feature-service", "fraud_v1")]
    [InlineData(1, "is no data set", "--replay", "labels.csv")]
    public async Task Export_WhatCannotBe_EndsWithItsCodeAndTheWayOut(int expected, string told, params string[] arguments)
    {
        await OkAsync("apply");
        File.WriteAllText(In("labels.csv"), "user_id,event_timestamp\nu1,soon\n");
        var (code, _, error) = await _fstore.RunAsync(["get-historical-features", "--output", In("out.parquet"), .. arguments]);
        Assert.Contains(told, error, StringComparison.Ordinal);
        Assert.Equal(expected, code);
        Assert.False(File.Exists(In("out.parquet")));
    }

    [Fact]
    public async Task Export_BeforeAnythingIsComputed_SaysWhatToDo()
    {
        await OkAsync("apply");
        File.WriteAllText(In("labels.csv"), "user_id,event_timestamp\nu1,2026-01-01\n");
        var (code, _, error) = await _fstore.RunAsync("get-historical-features", "--labels", In("labels.csv"), "--feature-service", "fraud_v1", "--output", In("out.parquet"));
        Assert.Equal(3, code);
        Assert.Contains("holds no table for view user_transactions_l1w; compute or write it first", error, StringComparison.Ordinal);
    }
}
