using FeatureStore.Jobs.Materialize;
using FeatureStore.Jobs.Runs;
using FeatureStore.Jobs.Schedule;

namespace FeatureStore.Jobs.Tests.Schedule;

public sealed class BackfillTests : IDisposable
{
    private static readonly Flow Daily = new("daily", FlowCalendar.Parse("0 0 * * *", "UTC"), [new FlowStep("a", "a"), new FlowStep("b", "b") { After = ["a"], Retries = 0 }]);
    private readonly FlowBench _bench = new();
    private readonly List<DateTimeOffset> _dates = [];
    private readonly Backfills _backfills;

    public BackfillTests()
    {
        _backfills = new Backfills(_bench.File, "bank", _bench.Time);
        _bench.Work = (call, _) =>
        {
            _dates.Add(call.Interval.Start);
            return Task.CompletedTask;
        };
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Backfill_OfARange_RunsEachDateOnceOldestFirst()
    {
        var begun = Begin(again: false);
        Assert.Equal(BackfillState.Done, await RunAsync(begun));
        Assert.Equal([5, 5, 4, 4, 3, 3, 2, 2, 1, 1], Ages());

        // The same again finds every date done; --again does them once more, and only once however often it is resumed.
        _dates.Clear();
        Assert.NotEqual(begun.Id, Begin(again: false).Id);
        Assert.Equal(BackfillState.Done, await RunAsync(Begin(again: false)));
        Assert.Empty(_dates);
        Assert.Equal(BackfillState.Done, await RunAsync(Begin(again: true)));
        Assert.Equal(10, _dates.Count);
        Assert.Equal(TimeSpan.Zero, _bench.History.MeanWork("daily"));
    }

    [Theory]
    [InlineData(BackfillState.Paused)]
    [InlineData(BackfillState.Cancelled)]
    public async Task Backfill_PausedOrCancelled_EndsAfterTheDateAndOnlyAPausedOneGoesOn(BackfillState state)
    {
        var begun = Begin(again: false);
        _bench.Work = (call, _) =>
        {
            _dates.Add(call.Interval.Start);
            if (_dates.Count == 3)
            {
                using var file = RunFile.Open(_bench.RunsPath);
                Assert.NotNull(new Backfills(file, "bank", _bench.Time).Change(begun.Id, state));
            }

            return Task.CompletedTask;
        };
        Assert.Equal(state, await RunAsync(begun));
        Assert.Equal([5, 5, 4, 4], Ages());
        var resumed = _backfills.Change(begun.Id, BackfillState.Running);
        Assert.Equal(state == BackfillState.Paused, resumed is not null);
        if (resumed is not null)
        {
            Assert.Equal(BackfillState.Done, await RunAsync(resumed));
            Assert.Equal([5, 5, 4, 4, 3, 3, 2, 2, 1, 1], Ages());
            Assert.Null(_backfills.Change(begun.Id, BackfillState.Running));
        }
    }

    [Fact]
    public async Task Backfill_WithADateThatFails_TriesTheOthersAndGoesOnThereWhenRepeated()
    {
        var third = _bench.Time.Now.AddDays(-3);
        _bench.Work = (call, _) =>
        {
            _dates.Add(call.Interval.Start);
            return call.Task == "b" && call.Interval.Start == third ? throw new StepFailedException("no", isFinal: false) : Task.CompletedTask;
        };
        var begun = Begin(again: false);
        Assert.Equal(BackfillState.Failed, await RunAsync(begun));
        Assert.Equal(10, _dates.Count);
        _dates.Clear();
        _bench.Work = (call, _) =>
        {
            _dates.Add(call.Interval.Start);
            return Task.CompletedTask;
        };
        Assert.Equal(begun.Id, Begin(again: false).Id);
        Assert.Equal(BackfillState.Done, await RunAsync(begun));
        Assert.Equal([third], _dates);
    }

    [Fact]
    public async Task Backfill_ThatAnotherCarriesOut_IsRefused()
    {
        var begun = Begin(again: false);
        using var keeper = new LeaseKeeper(_bench.RunsPath, _bench.Time);
        Assert.NotNull(keeper.TryTake($"backfill bank/{begun.Id}"));
        await Assert.ThrowsAsync<JobBusyException>(() => RunAsync(begun));
        Assert.Empty(_dates);
    }

    private Backfill Begin(bool again) => _backfills.Begin("daily", _bench.Time.Now.AddDays(-5), _bench.Time.Now, again);

    private Task<BackfillState> RunAsync(Backfill backfill) => new BackfillRunner(_bench.Room(Daily), _bench.WaitAsync).RunAsync(Daily, backfill, null, CancellationToken.None);

    private IEnumerable<int> Ages() => _dates.Select(d => (int)(_bench.Time.Now - d).TotalDays);
}
