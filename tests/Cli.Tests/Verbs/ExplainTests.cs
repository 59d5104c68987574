using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary>From a served number back to the rows, positions, files and arithmetic behind it.</summary>
public sealed class ExplainTests : IDisposable
{
    private const string View = "user_transactions_l1w";
    private const string User = "user_id=u0000003";
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [Fact]
    public async Task Explain_EachFunction_GivesTheServedValueFromItsRows()
    {
        await FillAsync();
        foreach (var feature in new[] { "num_transactions_l1w", "total_amount_l1w", "avg_amount_l1w", "min_amount_l1w", "max_amount_l1w", "num_vendors_l1w", "num_sources_l1w" })
        {
            var result = await RunAsync("explain", "--view", View, "--feature", feature, "--entity", User, "--json");
            Assert.True(result.Code == 0, $"{feature}: {result.Output}{result.Error}");
            using var json = JsonDocument.Parse(result.Output);
            Assert.NotEmpty(json.RootElement.GetProperty("Rows").EnumerateArray());
            Assert.Equal(json.RootElement.GetProperty("Served").GetRawText(), json.RootElement.GetProperty("Recomputed").GetRawText());
            Assert.All(json.RootElement.GetProperty("Rows").EnumerateArray(), row =>
                Assert.True(File.Exists(Path.Combine(_fstore.Repo, "data", "lake", row.GetProperty("File").GetString()!))));
        }

        var text = await RunAsync("explain", "--view", View, "--feature", "total_amount_l1w", "--entity", User);
        Assert.Contains("sum: ", text.Output, StringComparison.Ordinal);
        Assert.Contains("transaction_id", text.Output, StringComparison.Ordinal);
        var plain = await RunAsync("explain", "--view", "user_demographics", "--feature", "age", "--entity", User);
        Assert.Equal(0, plain.Code);
        Assert.Contains("demographic/customers", plain.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_WhatTheLakeDoesNotSay_AnswersNo()
    {
        await FillAsync();
        var unknown = await RunAsync("explain", "--view", View, "--feature", "total_amount_l1w", "--entity", "user_id=nobody");
        Assert.Equal(1, unknown.Code);
        Assert.Contains("NOT_FOUND", unknown.Error, StringComparison.Ordinal);

        // Another program wrote the value of one feature, and the time of another view's.
        await using (var store = new SqliteConnection($"Data Source={Path.Combine(_fstore.Repo, "data", "online.db")};Pooling=False"))
        {
            await store.OpenAsync();
            await ExecuteAsync(store, $"UPDATE \"bank_features_{View}\" SET value = x'2005' WHERE feature_name = 'num_vendors_l1w'");
            await ExecuteAsync(store, "UPDATE \"bank_features_user_demographics\" SET event_ts = event_ts + 3600");
        }

        var other = await RunAsync("explain", "--view", View, "--feature", "num_vendors_l1w", "--entity", User);
        Assert.Equal(1, other.Code);
        Assert.Contains("DIFFERS from the store's", other.Output, StringComparison.Ordinal);
        var pushed = await RunAsync("explain", "--view", "user_demographics", "--feature", "age", "--entity", User);
        Assert.Equal(1, pushed.Code);
        Assert.Contains("has no row of that time", pushed.Error, StringComparison.Ordinal);

        var parity = await RunAsync("verify", "parity");
        Assert.Equal(1, parity.Code);
        Assert.True(parity.Output.Contains("num_vendors_l1w is 5 (0x2005) online and ", StringComparison.Ordinal), parity.Output);
    }

    [Theory]
    [InlineData("--view", "nope", "--feature", "age", "--entity", User, "--view nope")]
    [InlineData("--view", View, "--feature", "nope", "--entity", User, "it has num_transactions_l1w")]
    [InlineData("--view", View, "--feature", "total_amount_l1w", "--entity", "user=1", "give each with --entity")]
    [InlineData("--view", View, "--feature", "total_amount_l1w", "--entity", "user_id", "write each join key once")]
    public async Task Explain_WrongQuestion_IsRefused(string a, string b, string c, string d, string e, string f, string text)
    {
        await RunAsync("apply");
        var result = await RunAsync("explain", a, b, c, d, e, f);
        Assert.Equal(2, result.Code);
        Assert.Contains(text, result.Error, StringComparison.Ordinal);
    }

    private static async Task ExecuteAsync(SqliteConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        Assert.True(await command.ExecuteNonQueryAsync() > 0);
    }

    private async Task FillAsync()
    {
        string[][] commands =
        [
            ["apply"],
            ["generate", "--users", "30", "--days", "24", "--seed", "5", "--first-day", "2026-01-05"],
            ["ingest"],
            ["features", "compute", "--as-of", "2026-02-02"],
            ["materialize", "2026-01-01", "2026-02-03"],
        ];
        foreach (var command in commands)
        {
            var result = await RunAsync(command);
            Assert.True(result.Code == 0, result.Output + result.Error);
        }
    }

    private Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments) => _fstore.RunAsync(arguments);
}
