using FeatureStore.Jobs.Runs;

namespace FeatureStore.Jobs.Tests.Runs;

public sealed class RunHistoryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("runs").FullName;
    private readonly SteppedTime _time = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Run_FromBeginToEnd_IsToldWhole()
    {
        using var file = RunFile.Open(Path.Combine(_folder, "runs.db"));
        var history = new RunHistory(file, _time);
        var (start, end) = (_time.Now.AddDays(-7), _time.Now);
        var id = history.Begin("materialize", "bank", "weekly", 3, (start, end));
        history.Progress(id, 10, 8, 2);
        _time.Now += TimeSpan.FromSeconds(5);
        history.End(id, RunState.Done, 7, null);

        var run = history.Find(id)!;
        Assert.Equal(
            new Run(id, "materialize", "bank", "weekly", RunState.Done, 3, start, end, end, _time.Now, 10, 8, 2, 7, null),
            run);
        Assert.Equal(run, history.LastDone("materialize", "bank", "weekly"));
        Assert.Null(history.LastDone("materialize", "bank", "daily"));
    }

    [Fact]
    public void Begin_AfterARunThatDied_MarksItAbandoned()
    {
        using var file = RunFile.Open(Path.Combine(_folder, "runs.db"));
        var history = new RunHistory(file, _time);
        var dead = history.Begin("materialize", "bank", "weekly", 1, null);
        var other = history.Begin("materialize", "bank", "daily", 1, null);
        var next = history.Begin("materialize", "bank", "weekly", 2, null);
        history.End(dead, RunState.Done, null, null);

        Assert.Equal(RunState.Abandoned, history.Find(dead)!.State);
        Assert.Equal(RunState.Running, history.Find(other)!.State);
        Assert.Equal([next, other, dead], history.List("bank", null, 10).Select(r => r.Id));
        Assert.Equal([next], history.List(null, "weekly", 1).Select(r => r.Id));
    }
}
