using System.Diagnostics;
using FeatureStore.Cli.Tests.Verbs;
using Microsoft.Data.Sqlite;

namespace FeatureStore.Cli.Tests.Kills;

/// <summary>
/// A run of materialise that is stopped before its first batch, for longer than its lease, beside a second one. Takes that long, so it goes with the long proofs;
/// the same by a stepped clock is in Jobs.Tests, and the fences of each store in OnlineStore.Tests.
/// </summary>
public sealed class StoppedLeaderTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [SkippableFact]
    public async Task Materialize_StoppedPastItsLease_WritesNothingWhenItGoesOn()
    {
        Skip.If(Environment.GetEnvironmentVariable("FSTORE_KILLS") is null, "Waits for the end of a lease; ./test --long runs it.");
        foreach (var command in new[] { "apply", "generate --users 12 --days 10 --seed 3 --first-day 2026-01-05", "ingest", "features compute --as-of 2026-01-12" })
        {
            await ExpectAsync(0, command);
        }

        var environment = new Dictionary<string, string>
        {
            ["DOTNET_STARTUP_HOOKS"] = Path.Combine(AppContext.BaseDirectory, "FeatureStore.Tests.Faults.dll"),
            ["FSTORE_FAULT"] = "FeatureStore-Jobs/FenceRaised/1/stop",
        };
        using var first = _fstore.Start(environment, "materialize", "2026-01-01", "2026-01-13", "-v", "user_transactions_l1w");
        var error = first.StandardError.ReadToEndAsync();
        await StoppedAsync(first.Id);

        var waited = Stopwatch.StartNew();
        while (await _fstore.RunAsync("materialize", "2026-01-01", "2026-01-13", "-v", "user_transactions_l1w") is { Code: not 0 } refused)
        {
            Assert.Contains("is being materialised by", refused.Error, StringComparison.Ordinal);
            Assert.True(waited.Elapsed < Patience, refused.Error);
        }

        // What the second wrote is marked, so that any write of the first would show.
        await using var store = new SqliteConnection($"Data Source={Path.Combine(_fstore.Repo, "data", "online.db")};Pooling=False");
        await store.OpenAsync();
        var rows = await NumberAsync(store, "UPDATE \"bank_features_user_transactions_l1w\" SET value_text = 'second'; SELECT changes()");
        Assert.True(rows > 0);
        using (var go = Process.Start("kill", ["-CONT", $"{first.Id}"]))
        {
            await go.WaitForExitAsync();
        }

        await first.WaitForExitAsync();
        Assert.Equal(3, first.ExitCode);
        Assert.Contains("stood still", await error, StringComparison.Ordinal);
        Assert.Equal(rows, await NumberAsync(store, "SELECT count(*) FROM \"bank_features_user_transactions_l1w\" WHERE value_text = 'second'"));
        await ExpectAsync(0, "verify parity");
    }

    private static async Task StoppedAsync(int process)
    {
        var waited = Stopwatch.StartNew();
        while ((await File.ReadAllTextAsync($"/proc/{process}/stat")).Split(") ")[1][0] != 'T')
        {
            Assert.True(waited.Elapsed < Patience, "The first run does not come to its first batch.");
            await Task.Yield();
        }
    }

    private static async Task<long> NumberAsync(SqliteConnection store, string sql)
    {
        await using var command = store.CreateCommand();
        command.CommandText = sql;
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private async Task ExpectAsync(int code, string command)
    {
        var result = await _fstore.RunAsync(command.Split(' '));
        Assert.True(result.Code == code, $"{command}: {result.Output}{result.Error}");
    }
}
