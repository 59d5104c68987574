using System.Globalization;
using System.Text.Json.Nodes;
using FeatureStore.Tests.Servers;
using Npgsql;

namespace FeatureStore.Cli.Tests.Schedule;

public sealed class SchedulerTests
{
    private const int SigKilled = 137;
    private const string EverySecond = "cron: '* * * * * ?'\n    catch_up: true\n    catch_up_max: 1000";
    private const string SomeYears = "cron: '0 0 1 1 *'\n    catch_up: true\n    start_date: 2020-06-01";

    [SkippableTheory]
    [InlineData("FlowPlanned", 1)]
    [InlineData("FlowClaimed", 3)]
    [InlineData("StepBegun", 4)]
    [InlineData("StepWorked", 1)]
    [InlineData("StepWorked", 4)]
    [InlineData("StepNoted", 3)]
    [InlineData("StepNoted", 4)]
    public async Task Scheduler_KilledInARun_GoesOnAtTheStepAndRunsNoneTwice(string step, int times)
    {
        TestProgram.NeedLong((step, times) is not (("FlowClaimed", 3) or ("StepWorked", 4)));
        using var bench = new SchedulerBench(SomeYears);
        Assert.Equal(SigKilled, await bench.Start(SchedulerBench.Fault(step, times)).EndedAsync());
        var done = int.Parse((await bench.QueryAsync("SELECT count(*) FROM runs WHERE kind = 'flow' AND state = 'done'"))[0], CultureInfo.InvariantCulture);
        var runs = int.Parse((await bench.QueryAsync("SELECT count(*) FROM flow_runs"))[0], CultureInfo.InvariantCulture);
        Assert.InRange(runs, 5, 7);

        var scheduler = bench.Start();
        await scheduler.SawAsync(": done", runs - done);
        Assert.Equal(0, await scheduler.StopAsync());
        Assert.Equal([runs.ToString(CultureInfo.InvariantCulture)], await bench.QueryAsync("SELECT count(*) FROM runs WHERE kind = 'flow' AND state = 'done'"));
        await bench.AssertOnceAsync();
        Assert.True((await bench.QueryAsync("SELECT run FROM flow_attempts WHERE state = 'abandoned'")).Count <= 1);
    }

    [Fact]
    public async Task Schedulers_TwoOnOneSqliteStore_TakeTurnsAndRunNoneTwice()
    {
        using var bench = new SchedulerBench(EverySecond);
        var first = bench.Start();
        await first.SawAsync("scheduler started");
        var second = bench.Start();
        await second.SawAsync("standing by");
        await first.SawAsync(": done", 3);
        Assert.DoesNotContain("begins", second.Text, StringComparison.Ordinal);
        await first.KillAsync();
        await second.SawAsync(": done", 3);
        Assert.Equal(0, await second.StopAsync());
        await AssertContiguousAsync(bench);
        Assert.True((await bench.QueryAsync("SELECT run FROM flow_attempts WHERE state = 'abandoned'")).Count <= 1, "Only the killed scheduler leaves an attempt behind.");
        await bench.AssertOnceAsync();
    }

    [SkippableFact]
    public async Task Schedulers_TwoOnOnePostgres_WorkAsAClusterAndRunNoneTwice()
    {
        await using var server = await PostgresServer.StartAsync();
        var connection = $"Host=127.0.0.1;Port={server.Port};Username={server.User};Database=postgres";
        var environment = new Dictionary<string, string> { ["FSTORE__JOBS__STORE__TYPE"] = "postgres", ["FSTORE__JOBS__STORE__CONNECTION_STRING"] = connection };
        using var bench = new SchedulerBench(EverySecond);
        var schedulers = new[] { bench.Start(environment), bench.Start(environment) };
        await Task.WhenAll(schedulers.Select(s => s.SawAsync("scheduler started")));
        await Task.WhenAny(schedulers.Select(s => s.SawAsync(": done", 4)));

        await using (var source = NpgsqlDataSource.Create(connection))
        {
            await using var command = source.CreateCommand("SELECT count(*) FROM qrtz_scheduler_state");
            Assert.Equal(2L, await command.ExecuteScalarAsync());
        }

        await schedulers[0].KillAsync();
        await schedulers[1].SawAsync(": done", 3);
        Assert.Equal(0, await schedulers[1].StopAsync());
        await AssertContiguousAsync(bench);
        Assert.True((await bench.QueryAsync("SELECT run FROM flow_attempts WHERE state = 'abandoned'")).Count <= 1, "Only the killed scheduler leaves an attempt behind.");
        await bench.AssertOnceAsync();
    }

    [Fact]
    public async Task Backfill_KilledOnItsWay_GoesOnAndTheVerbsTellOfIt()
    {
        using var bench = new SchedulerBench("cron: '0 0 * * *'");
        string[] backfill = ["backfill", "--flow", "f", "--from", "2026-01-05", "--to", "2026-01-10"];
        using (var killed = bench.Fstore.Start(SchedulerBench.Fault("StepWorked", 6), backfill))
        {
            var (output, error) = (killed.StandardOutput.ReadToEndAsync(), killed.StandardError.ReadToEndAsync());
            await killed.WaitForExitAsync();
            Assert.True(killed.ExitCode == SigKilled, await output + await error);
        }

        var estimate = JsonNode.Parse((await RunAsync(bench, 0, [.. backfill, "--estimate", "--json"])).Output)!;
        Assert.Equal((6, 4), ((int)estimate["Dates"]!, (int)estimate["ToRun"]!));
        Assert.True((double)estimate["Seconds"]! > 0);
        var (text, progress) = await RunAsync(bench, 0, backfill);
        Assert.Contains("backfill 1 of f is done: 4 dates done, 2 were done before, 0 failed, of 6", text, StringComparison.Ordinal);
        Assert.Contains("6 of 6 dates", progress, StringComparison.Ordinal);
        await bench.AssertOnceAsync();

        var shown = (await RunAsync(bench, 0, "runs", "show", "3", "--json")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!).ToArray();
        Assert.Equal(["generate 1 done", "ingest 1 abandoned", "ingest 2 done"], shown.Skip(1).Select(a => $"{a["step"]} {a["attempt"]} {a["state"]}").Order(StringComparer.Ordinal));
        Assert.Contains("ingest #2: done", (await RunAsync(bench, 0, "runs", "logs", "3")).Output, StringComparison.Ordinal);
        await RunAsync(bench, 1, "runs", "logs", "999");
        await RunAsync(bench, 2, "backfill", "--pause", "1");
        await RunAsync(bench, 2, "backfill", "--flow", "g", "--from", "2026-01-05", "--to", "2026-01-10");
        Assert.Contains("run 7 of f is queued", (await RunAsync(bench, 0, "scheduler", "trigger", "f")).Output, StringComparison.Ordinal);
        Assert.Contains("\"queued\":1", (await RunAsync(bench, 0, "scheduler", "status", "--json")).Output, StringComparison.Ordinal);
    }

    private static async Task AssertContiguousAsync(SchedulerBench bench) => Assert.Equal(
        ["1"], await bench.QueryAsync("SELECT count(*) = 1 + (max(logical) - min(logical)) / 1000000 FROM flow_runs WHERE cause = 'schedule'"));

    private static async Task<(string Output, string Error)> RunAsync(SchedulerBench bench, int code, params string[] arguments)
    {
        var result = await bench.Fstore.RunAsync(arguments);
        Assert.True(result.Code == code, $"{string.Join(' ', arguments)} ended with {result.Code}: {result.Output}{result.Error}");
        return (result.Output, result.Error);
    }
}
