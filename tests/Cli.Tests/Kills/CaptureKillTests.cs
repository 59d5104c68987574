using System.Diagnostics;
using System.Globalization;
using FeatureStore.Cli.Tests.Verbs;
using FeatureStore.OfflineStore.Features;
using FeatureStore.Tests.Servers;
using Npgsql;

namespace FeatureStore.Cli.Tests.Kills;

/// <summary><c>kill -9</c> of capture at named steps and random moments, and crashes of PostgreSQL between: no change is lost, none is there twice.</summary>
public sealed class CaptureKillTests
{
    private const int Rounds = 6;
    private const int SigKilled = 137;
    private static readonly string[] Steps = ["Lake/FileStaged", "Lake/FileMoved", "Lake/CommitReady", "Lake/CommitDone", "Ingest/BatchLanded", "Ingest/PositionNoted"];

    [SkippableFact]
    public async Task Capture_KilledAnywhere_HoldsTheRowsOfSqlOnce()
    {
        TestProgram.NeedLong(); // RoadKillTests kills captures too, and sees features in the end; this one counts rows.
        var seed = Environment.GetEnvironmentVariable("FSTORE_KILLS_SEED") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : 20261125;
        var random = new Random(seed);
        await using var server = await PostgresServer.StartAsync("wal_level=logical");
        using var fstore = new Fstore();
        try
        {
            await KillAsync(server, fstore, random);
        }
        catch (Exception e)
        {
            throw new Xunit.Sdk.XunitException($"FSTORE_KILLS_SEED={seed}: {e.Message}", e);
        }
    }

    private static async Task KillAsync(PostgresServer server, Fstore fstore, Random random)
    {
        var (days, kills) = (3, 0);
        await GenerateAsync(server, fstore, days);
        await EndAsync(Start(server, fstore, null, "capture", "--until-caught-up"), 0);
        var before = await RawRowsAsync(server, fstore);
        for (var round = 0; round < Rounds; round++)
        {
            await GenerateAsync(server, fstore, days += 2);
            var step = random.Next(3) > 0 ? Steps[round % Steps.Length] : null;
            using var capture = Start(server, fstore, step is null ? null : $"FeatureStore-{step}/1", "capture", "--until-caught-up");
            if (step is null)
            {
                using var moment = new CancellationTokenSource(TimeSpan.FromMilliseconds(300 + random.Next(1_500)));
                await capture.WaitForExitAsync(moment.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
                capture.Kill();
            }

            await capture.WaitForExitAsync();
            Assert.True(step is null || capture.ExitCode == SigKilled, $"{step} was not reached");
            kills += capture.ExitCode == SigKilled ? 1 : 0;
            if (random.Next(3) == 0 || round == 1)
            {
                await server.CrashAsync();
            }
        }

        await EndAsync(Start(server, fstore, null, "capture", "--until-caught-up"), 0);
        Assert.True(kills >= Rounds / 2, $"{kills} kills");
        Assert.Equal(await SqlRowsAsync(server), LakeRows(fstore));
        Assert.Equal(before + await ChangesAsync(server, fstore, days), await RawRowsAsync(server, fstore));
        await EndAsync(Start(server, fstore, null, "capture", "status"), 0);
    }

    private static Task<string> GenerateAsync(PostgresServer server, Fstore fstore, int days) => EndAsync(
        Start(server, fstore, null, "generate", "--users", "300", "--seed", "5", "--first-day", "2026-01-05", "--days", $"{days}", "--to", "postgres"), 0);

    // What the log holds of the same bank, but for the days that the snapshot had, and without tombstones.
    private static async Task<long> ChangesAsync(PostgresServer server, Fstore fstore, int days)
    {
        async Task<long> CountAsync(int ofDays)
        {
            using var other = new Fstore();
            await EndAsync(Start(server, other, null, "generate", "--users", "300", "--seed", "5", "--first-day", "2026-01-05", "--days", $"{ofDays}"), 0);
            await EndAsync(Start(server, other, null, "ingest"), 0);
            return await RawRowsAsync(server, other);
        }

        return await CountAsync(days) - await CountAsync(3);
    }

    private static async Task<long> RawRowsAsync(PostgresServer server, Fstore fstore)
    {
        var output = await EndAsync(Start(server, fstore, null, "lake", "tables", "--json"), 0);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => System.Text.Json.Nodes.JsonNode.Parse(line)!)
            .Where(t => t["path"]!.GetValue<string>() == "cdc/transactions").Sum(t => t["rows"]!.GetValue<long>());
    }

    private static Process Start(PostgresServer server, Fstore fstore, string? fault, params string[] arguments)
    {
        var environment = new Dictionary<string, string> { ["FSTORE__POSTGRES__CONNECTION_STRING"] = Connection(server) };
        if (fault is not null)
        {
            environment["DOTNET_STARTUP_HOOKS"] = Path.Combine(AppContext.BaseDirectory, "FeatureStore.Tests.Faults.dll");
            environment["FSTORE_FAULT"] = fault;
        }

        return fstore.Start(environment, arguments);
    }

    private static async Task<string> EndAsync(Process process, int code)
    {
        using (process)
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == code, $"{process.ExitCode}: {await error}{await output}");
            return await output;
        }
    }

    private static string Connection(PostgresServer server) => $"Host=127.0.0.1;Port={server.Port};Username={server.User};Database=postgres";

    private static List<string> LakeRows(Fstore fstore) =>
    [
        .. new SourceRows(Path.Combine(fstore.Repo, "data", "lake")).KnownAt("cdc/transactions", SourceRows.Now, CancellationToken.None)
            .Select(r => string.Join('|', r.Values.Select(v => Convert.ToString(v, CultureInfo.InvariantCulture)))).Order(StringComparer.Ordinal),
    ];

    private static async Task<List<string>> SqlRowsAsync(PostgresServer server)
    {
        await using var connection = new NpgsqlConnection(Connection(server) + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT user_id, transaction_id, amount, vendor, sources, (extract(epoch FROM time) * 1000000)::bigint FROM transactions", connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => Convert.ToString(reader.IsDBNull(i) ? null : reader.GetValue(i), CultureInfo.InvariantCulture))));
        }

        rows.Sort(StringComparer.Ordinal);
        return rows;
    }
}
