using System.Globalization;
using System.Text.Json.Nodes;
using FeatureStore.Cli.Tests.Verbs;
using Microsoft.Data.Sqlite;

namespace FeatureStore.Cli.Tests.Kills;

/// <summary>A bank that grows day by day, whose jobs are killed on the way, and one that did the same at once and undisturbed.</summary>
internal sealed class KilledBank(Random random) : IDisposable
{
    private const string FirstDay = "2026-01-05";
    private const string View = "features/user_transactions_l1w";
    private const int SigKilled = 137;
    private const int DaysPerRoundMax = 2;

    // Where a kill leaves the disk in a state of its own; how often a step is let pass first is up to chance.
    private static readonly Dictionary<string, string[]> Steps = new()
    {
        ["ingest"] = ["Ingest/BatchRead", "Ingest/LettersNoted", "Lake/FileStaged", "Lake/FileMoved", "Lake/CommitReady", "Lake/CommitDone", "Lake/CheckpointDone", "Ingest/BatchLanded", "Ingest/PositionNoted"],
        ["features"] = ["Lake/FileStaged", "Lake/FileMoved", "Lake/CommitReady", "Lake/CommitDone", "Lake/CheckpointDone", "Lake/DataFileDeleted"],
        ["lake"] = ["Lake/FileStaged", "Lake/FileMoved", "Lake/CommitReady", "Lake/CommitDone", "Lake/CheckpointDone", "Lake/DataFileDeleted"],
        ["materialize-incremental"] = ["Jobs/LeaseTaken", "Jobs/FenceRaised", "Jobs/BatchWritten", "Jobs/StoreMarked", "Jobs/RangeNoted"],
    };

    private readonly Fstore _killed = new();
    private readonly Fstore _twin = new();
    private readonly Dictionary<string, int> _kills = [];
    private int _days = 7;

    /// <summary>Kills so far, by where.</summary>
    public IReadOnlyDictionary<string, int> Kills => _kills;

    public int KillCount => _kills.Values.Sum();

    private static string[] VacuumAll => ["lake", "vacuum", "--retention-hours", "0", "--allow-short-retention"];

    public void Dispose()
    {
        _killed.Dispose();
        _twin.Dispose();
    }

    /// <summary>The first week, undisturbed: an incremental run needs one before it that says where to begin.</summary>
    public Task BeginAsync() => BeginAsync(_killed);

    /// <summary>The bank grows; each job is begun, as a rule killed, and begun again, or left as it is for the next round.</summary>
    public async Task RoundAsync()
    {
        _days += random.Next(DaysPerRoundMax) + 1;
        await GenerateAsync(_killed);
        foreach (var job in Jobs())
        {
            while (random.Next(4) > 0)
            {
                await KillAsync(job);
            }

            if (random.Next(3) > 0)
            {
                await RunAsync(_killed, job);
            }
        }
    }

    /// <summary>Lets every job end, and compares all that there is with the twin.</summary>
    public async Task CompareAsync()
    {
        await RunAllAsync(_killed);
        if (!File.Exists(Path.Combine(_twin.Repo, "data", "registry.db")))
        {
            await BeginAsync(_twin);
        }

        await GenerateAsync(_twin);
        await RunAllAsync(_twin);
        foreach (var table in new[] { "cdc/transactions", "demographic/customers", View })
        {
            AssertEqual(table, await RowsAsync(_twin, table), await RowsAsync(_killed, table));
        }

        AssertEqual("the online store", await OnlineAsync(_twin), await OnlineAsync(_killed));

        // A writer that was killed may leave files that no version names, and nothing worse; vacuum deletes them.
        foreach (var fault in (await _killed.RunAsync("lake", "check", "--json")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Assert.True(JsonNode.Parse(fault)!["fault"]!.GetValue<string>() is "orphan" or "leftover", fault);
        }

        await RunAsync(_killed, VacuumAll);
        await RunAsync(_killed, "lake", "check");
        await RunAsync(_killed, "verify", "parity");
    }

    private static string Day(int days) => DateTime.Parse(FirstDay, CultureInfo.InvariantCulture).AddDays(days).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static void AssertEqual(string what, List<string> expected, List<string> found)
    {
        var missing = expected.Except(found).FirstOrDefault();
        var added = found.Except(expected).FirstOrDefault();
        Assert.True(missing is null && added is null, $"{what}: lost {missing ?? "nothing"}; gained {added ?? "nothing"}");
        Assert.True(expected.Count == found.Count, $"{what}: {found.Count} rows instead of {expected.Count}, so some are there twice.");
    }

    private static async Task<List<string>> RowsAsync(Fstore fstore, string table)
    {
        var lines = (await RunAsync(fstore, "lake", "rows", table)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. lines.Select(line =>
        {
            // Each log has an identity of its own.
            var row = JsonNode.Parse(line)!.AsObject();
            row.Remove("__source");
            return row.ToJsonString();
        }).Order(StringComparer.Ordinal)];
    }

    private static async Task<List<string>> OnlineAsync(Fstore fstore)
    {
        await using var store = new SqliteConnection($"Data Source={Path.Combine(fstore.Repo, "data", "online.db")};Pooling=False;Mode=ReadOnly");
        await store.OpenAsync();
        var rows = new List<string>();
        foreach (var view in new[] { "user_transactions_l1w", "user_demographics" })
        {
            await using var command = store.CreateCommand();
            command.CommandText = $"SELECT hex(entity_key) || ' ' || feature_name || ' ' || hex(value) || ' ' || event_ts FROM \"bank_features_{view}\" ORDER BY 1";
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                rows.Add($"{view} {reader.GetString(0)}");
            }
        }

        return rows;
    }

    private static async Task<string> RunAsync(Fstore fstore, params string[] arguments)
    {
        var (code, output, error) = await fstore.RunAsync(arguments);
        Assert.True(code == 0, $"{string.Join(' ', arguments)} ended with {code}: {output}{error}");
        return output;
    }

    private Task<string> GenerateAsync(Fstore fstore) =>
        RunAsync(fstore, "generate", "--users", "12", "--days", _days.ToString(CultureInfo.InvariantCulture), "--seed", "3", "--first-day", FirstDay);

    private async Task BeginAsync(Fstore fstore)
    {
        await RunAsync(fstore, "apply");
        await GenerateAsync(fstore);
        await RunAsync(fstore, "ingest");
        await RunAsync(fstore, ComputeAll());
        await RunAsync(fstore, "materialize", FirstDay, Day(_days));
    }

    private IEnumerable<string[]> Jobs()
    {
        yield return ["ingest"];
        if (random.Next(3) == 0)
        {
            yield return ["lake", "compact"];
        }

        if (random.Next(3) == 0)
        {
            yield return VacuumAll;
        }

        yield return random.Next(3) == 0 ? ["features", "compute", "--touched"] : ComputeAll();
        yield return Materialize();
    }

    private async Task RunAllAsync(Fstore fstore)
    {
        await RunAsync(fstore, "ingest");
        await RunAsync(fstore, ComputeAll());
        await RunAsync(fstore, Materialize());
    }

    private string[] ComputeAll() => ["features", "compute", "--from", "2026-01-12", "--as-of", Day(_days), "--every", "7d"];

    private string[] Materialize() => ["materialize-incremental", Day(_days)];

    private async Task KillAsync(string[] job)
    {
        var named = random.Next(3) > 0;
        var where = named ? Steps[job[0]][random.Next(Steps[job[0]].Length)] : "at a random moment";
        var environment = new Dictionary<string, string>();
        if (named)
        {
            environment["DOTNET_STARTUP_HOOKS"] = Path.Combine(AppContext.BaseDirectory, "FeatureStore.Tests.Faults.dll");
            environment["FSTORE_FAULT"] = $"FeatureStore-{where}/{random.Next(3) + 1}";
        }

        using var process = _killed.Start(environment, job);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!named)
        {
            using var moment = new CancellationTokenSource(TimeSpan.FromMilliseconds(random.Next(1_500)));
            await process.WaitForExitAsync(moment.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
            process.Kill();
        }

        await process.WaitForExitAsync();
        if (process.ExitCode == SigKilled)
        {
            _kills[$"{job[0]} {where}"] = _kills.GetValueOrDefault($"{job[0]} {where}") + 1;
        }
        else
        {
            Assert.True(process.ExitCode == 0, $"{string.Join(' ', job)}, to be killed {where}, ended with {process.ExitCode}: {await output}{await error}");
        }
    }
}
