using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Tests.Verbs;
using FeatureStore.Jobs.Schedule;

namespace FeatureStore.Cli.Tests.Schedule;

public sealed class ScheduleSettingsTests : IDisposable
{
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [Fact]
    public void Schedule_ThatNobodyDeclared_HasADailyAndAWeeklyFlow()
    {
        var schedule = ScheduleSettings.Schedule(Repo.Open(null, _fstore.Repo).Config);
        Assert.Equal(["generate > ingest", "compute > materialize > verify"], schedule.Flows.Select(f => string.Join(" > ", f.Steps.Select(s => s.Task))));
        Assert.Equal(["daily", "weekly"], schedule.Flows.Select(f => f.Name));
        Assert.Equal(("transaction_data", 1), (schedule.Pools.Single().Key, schedule.Pools.Single().Value));
    }

    [Fact]
    public void Schedule_InAFileOfItsOwn_IsReadWhole()
    {
        File.WriteAllText(Path.Combine(_fstore.Repo, "schedules.yaml"), """
            pools: {lake: 2}
            flows:
              night:
                cron: "30 2 * * *"
                time_zone: Europe/Prague
                misfire: skip
                catch_up: true
                catch_up_max: 7
                max_active_runs: 3
                start_date: 2026-01-01
                steps:
                  - ingest
                  - {name: again, task: ingest, after: [], pool: lake, retries: 5, retry_delay: 10s, retry_delay_max: 1m, timeout: 2h}
                  - {task: verify, after: [ingest, again]}
            """);
        var flow = Declare("schedules.yaml").Flows.Single();
        Assert.Equal(("night", "Europe/Prague", MisfireRule.Skip, true, 7, 3), (flow.Name, flow.Calendar.Zone.Id, flow.Misfire, flow.CatchUp, flow.CatchUpMax, flow.MaxActiveRuns));
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), flow.StartDate);
        var again = flow.Steps[1];
        Assert.Equal((5, 10.0, 60.0, 7200.0, "lake"), (again.Retries, again.Backoff.TotalSeconds, again.BackoffMax.TotalSeconds, again.Timeout.TotalSeconds, again.Pool));
        Assert.Empty(again.After);
        Assert.Equal(["ingest", "again"], flow.Steps[2].After);
    }

    [Theory]
    [InlineData("{flows: {a: {cron: '* * * * *'}}}", "fstore.jobs.flows.a.steps must list")]
    [InlineData("{flows: {a: {steps: [ingest]}}}", "fstore.jobs.flows.a.cron is missing")]
    [InlineData("{flows: {a: {cron: 'x', steps: [ingest]}}}", "fstore.jobs.flows.a: 'x' is no cron expression")]
    [InlineData("{flows: {a: {cron: '* * * * *', time_zone: Nowhere, steps: [ingest]}}}", "'Nowhere' is no time zone")]
    [InlineData("{flows: {a: {cron: '* * * * *', misfire: later, steps: [ingest]}}}", "misfire is 'later'")]
    [InlineData("{flows: {a: {cron: '* * * * *', steps: [sleep]}}}", "steps[0].task is 'sleep'")]
    [InlineData("{flows: {a: {cron: '* * * * *', steps: [ingest, ingest]}}}", "steps[1].name is 'ingest'")]
    [InlineData("{flows: {a: {cron: '* * * * *', steps: [{task: ingest, after: [verify]}, verify]}}}", "names 'verify', which is no step above")]
    [InlineData("{flows: {a: {cron: '* * * * *', steps: [{task: ingest, pool: none}]}}}", "has no such pool")]
    [InlineData("{flows: {a: {cron: '* * * * *', steps: [{task: ingest, retries: -1}]}}}", "retries is '-1'")]
    [InlineData("{flows: {a: {cron: '* * * * *', steps: [{task: ingest, timeout: 9w}]}}}", "timeout is '9w'")]
    [InlineData("{flows: {a: {cron: '* * * * *', steps: [{task: ingest, with: {users: 3}}]}}}", "with.users is no key here")]
    [InlineData("{flows: {a: {cron: '* * * * *', steps: [{task: generate, with: {first_day: soon}}]}}}", "--first-day is 'soon'")]
    [InlineData("{flows: {a: {cron: '* * * * *', stepz: [ingest]}}}", "steps must list")]
    [InlineData("{flowz: {}}", "fstore.jobs.flowz is no key here")]
    [InlineData("{pools: {a: 0}}", "fstore.jobs.pools.a is '0'")]
    [InlineData("[1]", "fstore.jobs must be a block")]
    public void Schedule_ThatIsWrong_NamesThePlaceAndTheWayOut(string jobs, string expected) =>
        Assert.Contains(expected, Assert.Throws<UsageException>(() => Declare(jobs)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Generate_IntoALogOfImportedRows_IsRefusedForGood()
    {
        var repo = Repo.Open(null, _fstore.Repo);
        Assert.Equal(0, (await _fstore.RunAsync("import", "transactions", Path.Combine(AppContext.BaseDirectory, "berka", "trans-1993.csv.gz"), "--mapping", "berka")).Code);
        var now = new DateTimeOffset(2026, 11, 2, 0, 0, 0, TimeSpan.Zero);
        var call = new TaskCall("generate", new Dictionary<string, object?>(), new DataInterval(now.AddDays(-1), now), _ => { });
        var e = await Assert.ThrowsAsync<StepFailedException>(() => new FlowTasks(repo, TimeProvider.System).RunAsync(call, CancellationToken.None));
        Assert.True(e.IsFinal);
        Assert.Contains("not generated", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Store_ThatIsWrong_DoesNotRepeatItsPassword()
    {
        Append("{store: {type: postgres, connection_string: 'Hots=a;Password=s3cret'}}");
        var message = Assert.Throws<UsageException>(() => ScheduleSettings.Store(Repo.Open(null, _fstore.Repo).Config)).Message;
        Assert.StartsWith("fstore.jobs.store.connection_string cannot be read", message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", message, StringComparison.Ordinal);
    }

    private FlowSchedule Declare(string jobs)
    {
        Append(jobs);
        return ScheduleSettings.Schedule(Repo.Open(null, _fstore.Repo).Config);
    }

    private void Append(string jobs) => File.AppendAllText(Path.Combine(_fstore.Repo, "feature_store.yaml"), $"  jobs: {jobs}\n");
}
