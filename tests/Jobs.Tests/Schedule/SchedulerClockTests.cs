using System.Globalization;
using FeatureStore.Jobs.Runs;
using FeatureStore.Jobs.Schedule;

namespace FeatureStore.Jobs.Tests.Schedule;

/// <summary>The whole scheduler under a clock that a test moves: summer time, down time, a scheduler that is stopped within a step, two of them.</summary>
public sealed class SchedulerClockTests : IDisposable
{
    private readonly FlowBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("Europe/Prague", "2026-03-27T12:00:00Z", "01:30 01:00 00:30 00:30")]
    [InlineData("Europe/Prague", "2026-10-23T12:00:00Z", "00:30 00:30 01:30 01:30")]
    [InlineData("UTC", "2026-10-23T12:00:00Z", "02:30 02:30 02:30 02:30")]
    public async Task Scheduler_OverAChangeOfTheClocks_RunsEachLocalDayOnceWithIntervalsThatMeet(string zone, string from, string expected)
    {
        _bench.Time.Now = At(from);
        var flow = Daily(FlowCalendar.Parse("30 2 * * *", zone));
        await using var scheduler = new ClockedScheduler(_bench.Room(flow), _bench.Time);
        await scheduler.SawAsync("scheduler started");
        for (var day = 1; day <= 4; day++)
        {
            _bench.Time.Now = flow.Calendar.After(_bench.Time.Now)!.Value.AddSeconds(-2);
            await scheduler.LooksAsync(1);
            Assert.Equal(day - 1, scheduler.Count("begins"));
            await scheduler.UntilAsync(() => scheduler.Count(": done") == day);

            // Nothing more in the hour that comes again, or the one after that was skipped.
            _bench.Time.Now = _bench.Time.Now.AddHours(2);
            await scheduler.LooksAsync(3);
            Assert.Equal(day, scheduler.Count("begins"));
        }

        var runs = Runs();
        Assert.Equal(expected, string.Join(' ', runs.Select(r => r.Interval.End.ToString("HH:mm", CultureInfo.InvariantCulture))));
        Assert.All(runs, r => Assert.Equal((RunState.Done, r.Interval.Start), (r.State, r.Logical)));
        Assert.All(runs.Zip(runs.Skip(1)), p => Assert.Equal(p.First.Interval.End, p.Second.Interval.Start));
        Assert.Equal([1, 1, 1], runs.Zip(runs.Skip(1), (a, b) => Local(b, flow).DayNumber - Local(a, flow).DayNumber));
    }

    [Theory]
    [InlineData("fire_once", "-1")]
    [InlineData("skip", "")]
    [InlineData("catch_up", "-5 -4 -3 -2 -1")]
    [InlineData("catch_up of 2", "-2 -1")]
    public async Task Scheduler_AfterDownTime_RunsOfTheMissedIntervalsWhatTheFlowSays(string rule, string missed)
    {
        var flow = Daily(FlowCalendar.Parse("0 0 * * *", "UTC"));
        flow = rule switch
        {
            "skip" => flow with { Misfire = MisfireRule.Skip },
            "catch_up" => flow with { CatchUp = true },
            "catch_up of 2" => flow with { CatchUp = true, CatchUpMax = 2 },
            _ => flow,
        };
        var first = _bench.Time.Now.AddHours(12);
        _bench.Time.Now = first;
        await using (var scheduler = new ClockedScheduler(_bench.Room(flow), _bench.Time))
        {
            await scheduler.SawAsync("scheduler started");
            await scheduler.LooksAsync(1);
        }

        Assert.Empty(Runs());

        // Down for five fires; the store of Quartz still has its trigger at the first of them.
        var back = first.Date.AddDays(5);
        _bench.Time.Now = new DateTimeOffset(back, TimeSpan.Zero).AddHours(21);
        var wanted = missed.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(d => int.Parse(d, CultureInfo.InvariantCulture)).ToArray();
        await using (var scheduler = new ClockedScheduler(_bench.Room(flow), _bench.Time))
        {
            await scheduler.SawAsync("scheduler started");
            await scheduler.UntilAsync(() => scheduler.Count(": done") == wanted.Length);
            await scheduler.LooksAsync(5);
            Assert.Equal(wanted, Runs().Select(r => (r.Interval.Start - back).Days));

            // The next time is on time, and each missed one was decided once.
            _bench.Time.Now = new DateTimeOffset(back, TimeSpan.Zero).AddDays(1).AddSeconds(-1);
            await scheduler.UntilAsync(() => scheduler.Count(": done") == wanted.Length + 1);
            await scheduler.LooksAsync(3);
        }

        Assert.Equal([.. wanted, 0], Runs().Select(r => (r.Interval.Start - back).Days));
        Assert.Equal((wanted.Length + 1) * 3, _bench.Ran.Count);
    }

    [Fact]
    public async Task Schedulers_OneStoppedWithinAStep_TheOtherGoesOnAtThatStepAndItsLateEndIsNotNoted()
    {
        var flow = Daily(FlowCalendar.Parse("0 0 * * *", "UTC"));
        var (held, entered) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), 0);
        _bench.Work = (call, _) => call.Task == "b" && Interlocked.Increment(ref entered) == 1 ? held.Task : Task.CompletedTask;
        var otherTime = new SteppedTime { Now = _bench.Time.Now = _bench.Time.Now.AddHours(24).AddSeconds(-5) };
        await using var one = new ClockedScheduler(_bench.Room(flow), _bench.Time);
        await one.SawAsync("scheduler started");
        await using var other = new ClockedScheduler(_bench.Room(flow) with { Time = otherTime }, otherTime);
        await other.SawAsync("standing by");
        await one.UntilAsync(() => Volatile.Read(ref entered) == 1);
        otherTime.Now = _bench.Time.Now;

        try
        {
            // The first one's clock stands from here on, as that of a process under SIGSTOP; its leases run out on the other's.
            var waited = await other.UntilAsync(() => other.Count(": done") == 1);
            Assert.True(waited >= LeaseKeeper.Duration - (LeaseKeeper.Duration / 3), $"{waited}");
            Assert.Equal(["a", "b", "b", "c"], _bench.Ran);
            _bench.Time.Now = otherTime.Now;
        }
        finally
        {
            held.SetResult();
        }

        // It woke, and its step ended well: too late to be noted.
        await one.UntilAsync(() => one.Count("the scheduler's lease was lost") == 1 && one.Count(": abandoned") == 1);
        var run = Assert.Single(Runs());
        Assert.Equal(RunState.Done, run.State);
        Assert.Equal(
            ["a 1 Done", "b 1 Abandoned", "b 2 Done", "c 1 Done"],
            _bench.History.Attempts(run.Id).Select(a => $"{a.Step} {a.Attempt} {a.State}").Order(StringComparer.Ordinal));
        Assert.Equal(0, one.Count(": done"));
    }

    [Fact]
    public async Task Schedulers_TwoThatAreAwake_RunEachIntervalInOneOfThem()
    {
        var flow = Daily(FlowCalendar.Parse("* * * * *", "UTC")) with { CatchUp = true, CatchUpMax = 1_000 };
        var times = new[] { _bench.Time, new SteppedTime { Now = _bench.Time.Now = _bench.Time.Now.AddSeconds(30) } };
        var schedulers = new List<ClockedScheduler>();
        foreach (var time in times)
        {
            schedulers.Add(new ClockedScheduler(_bench.Room(flow) with { Time = time }, time));
            await schedulers[^1].SawAsync(schedulers.Count == 1 ? "scheduler started" : "standing by");
        }

        times[1].Now = times[0].Now;
        while (schedulers[0].Count(": done") < 3)
        {
            foreach (var scheduler in schedulers)
            {
                await scheduler.LooksAsync(1);
            }
        }

        await schedulers[0].DisposeAsync();
        Assert.Equal(0, schedulers[1].Count("begins"));
        var before = schedulers[0].Count(": done");
        await schedulers[1].UntilAsync(() => schedulers[1].Count(": done") >= 2);
        await schedulers[1].DisposeAsync();
        var runs = Runs().Where(r => r.State == RunState.Done).ToList();
        Assert.Equal(before + schedulers[1].Count(": done"), runs.Count);
        Assert.All(runs.Zip(runs.Skip(1)), p => Assert.Equal(p.First.Interval.End, p.Second.Interval.Start));

        // Each step that was begun is an attempt, and none is begun again once it is done; what was told to stop may stand in its middle.
        var attempts = Runs().Select(r => _bench.History.Attempts(r.Id)).ToList();
        Assert.Equal(attempts.Sum(a => a.Count), _bench.Ran.Count);
        Assert.All(attempts, a => Assert.Distinct(a.Where(s => s.State == RunState.Done).Select(s => s.Step)));
    }

    private static DateOnly Local(FlowRun run, Flow flow) => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(run.Interval.End, flow.Calendar.Zone).DateTime);

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);

    private static Flow Daily(FlowCalendar calendar) => new(
        "daily", calendar, [new FlowStep("a", "a"), new FlowStep("b", "b") { After = ["a"], Retries = 0 }, new FlowStep("c", "c") { After = ["b"] }])
    {
        // How far the clock moves while real work is done is nobody's promise: one hour was once not enough for Quartz to wake on a busy machine.
        MisfireAfter = TimeSpan.FromHours(20),
    };

    private List<FlowRun> Runs() => [.. Enumerable.Range(1, 100).Select(i => _bench.History.Find(i)).OfType<FlowRun>().OrderBy(r => r.Logical)];
}
