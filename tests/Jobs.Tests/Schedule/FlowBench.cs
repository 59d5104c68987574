using System.Collections.Concurrent;
using FeatureStore.Jobs.Runs;
using FeatureStore.Jobs.Schedule;

namespace FeatureStore.Jobs.Tests.Schedule;

/// <summary>A file of runs and tasks that do what a test says; waits pass at once on a clock that moves only by them.</summary>
internal sealed class FlowBench : IFlowTasks, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("flows").FullName;

    public FlowBench()
    {
        File = RunFile.Open(RunsPath);
        History = new FlowHistory(File, "bank", Time);
    }

    public SteppedTime Time { get; } = new();

    public string RunsPath => Path.Combine(_folder, "runs.db");

    public RunFile File { get; }

    public FlowHistory History { get; }

    /// <summary>The tasks that were run, in order.</summary>
    public ConcurrentQueue<string> Ran { get; } = [];

    /// <summary>What a task does beside being noted.</summary>
    public Func<TaskCall, CancellationToken, Task> Work { get; set; } = (_, _) => Task.CompletedTask;

    public List<TimeSpan> Waits { get; } = [];

    public FlowRoom Room(params Flow[] flows) => new(RunsPath, "bank", new FlowSchedule(flows, new Dictionary<string, int> { ["small"] = 1 }), this, Time);

    public async Task<string> RunAsync(TaskCall call, CancellationToken cancellationToken)
    {
        Ran.Enqueue(call.Task);
        await Work(call, cancellationToken);
        return "worked";
    }

    public long Queue(Flow flow, int daysAgo = 1) => History.Queue(
        flow.Name, Time.Now.AddDays(-daysAgo), new DataInterval(Time.Now.AddDays(-daysAgo), Time.Now.AddDays(1 - daysAgo)), "trigger");

    public async Task<RunState?> CarryOutAsync(Flow flow, long run, CancellationToken stop = default)
    {
        using var execution = FlowExecution.TryEnter(Room(flow), flow, run, out _);
        return execution is null ? null : await execution.RunAsync(WaitAsync, stop);
    }

    public Task WaitAsync(TimeSpan delay, CancellationToken cancellationToken)
    {
        Waits.Add(delay);
        Time.Now += delay > TimeSpan.Zero ? delay : TimeSpan.Zero;
        return Task.CompletedTask;
    }

    public string Log(long run) => System.IO.File.ReadAllText(RunLog.PathOf(RunsPath, run));

    public void Dispose()
    {
        File.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
