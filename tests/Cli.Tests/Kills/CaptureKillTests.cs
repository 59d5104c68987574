using System.Globalization;
using FeatureStore.Cli.Tests.Verbs;
using FeatureStore.Tests.Servers;
using static FeatureStore.Cli.Tests.Kills.CaptureCommands;

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
}
