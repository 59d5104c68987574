using FeatureStore.Jobs.Runs;
using FeatureStore.Jobs.Schedule;

namespace FeatureStore.Jobs.Tests.Schedule;

public sealed class FlowRunnerTests : IDisposable
{
    private readonly FlowBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Run_OfSteps_GoesByTheirDependencies()
    {
        var flow = Flow(new FlowStep("c", "c") { After = ["a", "b"] }, new FlowStep("a", "a"), new FlowStep("b", "b") { After = ["a"] });
        flow = flow with { Steps = [flow.Steps[1], flow.Steps[2], flow.Steps[0]] };
        var run = _bench.Queue(flow);
        Assert.Equal(RunState.Done, await _bench.CarryOutAsync(flow, run));
        Assert.Equal(["a", "b", "c"], _bench.Ran);
        Assert.Equal(RunState.Done, _bench.History.Find(run)!.State);
        Assert.All(_bench.History.Attempts(run), a => Assert.Equal((1, RunState.Done, "worked"), (a.Attempt, a.State, a.Note)));

        // What is over is not run again.
        Assert.Null(await _bench.CarryOutAsync(flow, run));
        Assert.Equal(3, _bench.Ran.Count);
    }

    [Fact]
    public async Task Step_ThatFails_IsRetriedAfterGrowingWaitsUpToItsLimit()
    {
        var flow = Flow(
            new FlowStep("a", "a") { Retries = 4, Backoff = TimeSpan.FromSeconds(10), BackoffMax = TimeSpan.FromSeconds(35) },
            new FlowStep("b", "b") { After = ["a"] },
            new FlowStep("c", "c"));
        _bench.Work = (call, _) => call.Task == "a" ? throw new StepFailedException("no disk", isFinal: false) : Task.CompletedTask;
        var run = _bench.Queue(flow);
        Assert.Equal(RunState.Failed, await _bench.CarryOutAsync(flow, run));
        Assert.Equal([10, 20, 35, 35], _bench.Waits.Select(w => w.TotalSeconds).Where(s => s > 0));
        Assert.Equal((5, 0, 1), (Count("a"), Count("b"), Count("c")));
        Assert.Equal("no disk", _bench.History.Attempts(run)[^1].Note);
        Assert.Contains("a #5: failed: no disk", _bench.Log(run), StringComparison.Ordinal);

        // Cleared, only what is not done runs again.
        _bench.Work = (_, _) => Task.CompletedTask;
        Assert.True(_bench.History.Clear(run, failedOnly: true, null));
        Assert.Equal(RunState.Done, await _bench.CarryOutAsync(flow, run));
        Assert.Equal((6, 1, 1), (Count("a"), Count("b"), Count("c")));
    }

    [Fact]
    public async Task Step_ThatFailsForGoodOrWithAnUnknownFault_TellsNoMoreThanItMay()
    {
        var flow = Flow(new FlowStep("a", "a") { Retries = 3 }, new FlowStep("b", "b") { Retries = 0 });
        _bench.Work = (call, _) => call.Task == "a" ? throw new StepFailedException("not applied", isFinal: true) : throw new InvalidOperationException("card 4111");
        var run = _bench.Queue(flow);
        Assert.Equal(RunState.Failed, await _bench.CarryOutAsync(flow, run));
        Assert.Equal((1, 1), (Count("a"), Count("b")));
        Assert.Equal(["InvalidOperationException", "not applied"], _bench.History.Attempts(run).Select(a => a.Note).Order());
        Assert.DoesNotContain("4111", _bench.Log(run), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Step_PastItsTimeout_IsToldToEndAndHasFailed()
    {
        var flow = Flow(new FlowStep("a", "a") { Retries = 1, Backoff = TimeSpan.FromSeconds(1), Timeout = TimeSpan.FromMilliseconds(20) });
        _bench.Work = (_, token) =>
        {
            _bench.Time.Now += TimeSpan.FromMilliseconds(20);
            return Task.FromCanceled(token);
        };
        var run = _bench.Queue(flow);
        Assert.Equal(RunState.Failed, await _bench.CarryOutAsync(flow, run));
        Assert.Equal(2, Count("a"));
        Assert.All(_bench.History.Attempts(run), a => Assert.StartsWith("timed out", a.Note, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_ToldToStop_GoesOnLaterAtTheStepThatWasUnderWay()
    {
        var flow = Flow(new FlowStep("a", "a"), new FlowStep("b", "b") { After = ["a"], Retries = 0 });
        using var stop = new CancellationTokenSource();
        _bench.Work = async (call, token) =>
        {
            if (call.Task == "b")
            {
                await stop.CancelAsync();
                token.ThrowIfCancellationRequested();
            }
        };
        var run = _bench.Queue(flow);
        Assert.Equal(RunState.Queued, await _bench.CarryOutAsync(flow, run, stop.Token));
        _bench.Work = (_, _) => Task.CompletedTask;
        Assert.Equal(RunState.Done, await _bench.CarryOutAsync(flow, run));
        Assert.Equal((1, 2), (Count("a"), Count("b")));
        Assert.Equal([RunState.Done, RunState.Stopped, RunState.Done], _bench.History.Attempts(run).Select(a => a.State));
    }

    [Fact]
    public async Task Step_WhoseProcessAlwaysDies_FailsAtTheBound()
    {
        var flow = Flow(new FlowStep("a", "a") { Retries = 0 });
        var run = _bench.Queue(flow);
        for (var fence = 1; fence <= FlowProgress.CrashesMax + 1; fence++)
        {
            var claimed = _bench.History.Claim(run, fence)!;
            Assert.Equal(fence, _bench.History.BeginAttempt(claimed, "a"));
        }

        Assert.Null(_bench.History.BeginAttempt(_bench.History.Find(run)! with { Fence = 1 }, "a"));
        Assert.Equal(RunState.Failed, await _bench.CarryOutAsync(flow, run));
        Assert.Empty(_bench.Ran);
    }

    [Fact]
    public async Task Steps_OfAPoolWithOneSlot_AreNeverThereTogether()
    {
        var flow = Flow([.. Enumerable.Range(0, 6).Select(i => new FlowStep($"s{i}", "pooled") { Pool = "small" })]);
        var (inside, most) = (0, 0);
        _bench.Work = async (_, _) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref inside));
            await Task.Yield();
            Interlocked.Decrement(ref inside);
        };
        Assert.Equal(RunState.Done, await _bench.CarryOutAsync(flow, _bench.Queue(flow)));
        Assert.Equal((1, 6), (most, Count("pooled")));
        Assert.Equal(0, FlowRoom.HeldSlots(_bench.File, "bank", "small", _bench.Time));
    }

    [Fact]
    public async Task Runs_OfOneFlow_AreNoMoreAtOnceThanItSays()
    {
        var flow = Flow(new FlowStep("a", "a"));
        var (first, second) = (_bench.Queue(flow, 2), _bench.Queue(flow));
        using (var held = FlowExecution.TryEnter(_bench.Room(flow), flow, first, out _))
        {
            Assert.NotNull(held);
            Assert.Null(FlowExecution.TryEnter(_bench.Room(flow), flow, second, out var isFull));
            Assert.True(isFull);
            Assert.Null(FlowExecution.TryEnter(_bench.Room(flow), flow with { MaxActiveRuns = 2 }, first, out isFull));
            Assert.False(isFull);
        }

        Assert.Equal(RunState.Done, await _bench.CarryOutAsync(flow, second));
    }

    [Fact]
    public void Plan_OfTwoPlanners_QueuesEachIntervalOnce()
    {
        var flow = Flow(new FlowStep("a", "a")) with { CatchUp = true, StartDate = _bench.Time.Now.AddDays(-3) };
        using var otherFile = RunFile.Open(_bench.RunsPath);
        var other = new FlowHistory(otherFile, "bank", _bench.Time);
        Assert.Equal((3, 0, 0), (_bench.History.Plan(flow), other.Plan(flow), _bench.History.Plan(flow)));
        _bench.Time.Now = _bench.Time.Now.AddDays(1);
        Assert.Equal((1, 0), (other.Plan(flow), _bench.History.Plan(flow)));
        Assert.Equal(4, _bench.History.Open().Select(r => r.Logical).Distinct().Count());
    }

    [Fact]
    public void Log_PastItsBound_TakesNoMore()
    {
        var log = new RunLog(_bench.RunsPath, 7, _bench.Time, bytesMax: 1_000);
        for (var i = 0; i < 100; i++)
        {
            log.Write($"line {i}\nwith a break");
        }

        Assert.InRange(_bench.Log(7).Length, 500, 1_000);
        Assert.EndsWith("in the history only.\n", _bench.Log(7), StringComparison.Ordinal);
        Assert.DoesNotContain("\nwith", _bench.Log(7), StringComparison.Ordinal);
    }

    private static Flow Flow(params FlowStep[] steps) => new("daily", FlowCalendar.Parse("0 0 * * *", "UTC"), steps);

    private int Count(string task) => _bench.Ran.Count(t => t == task);
}
