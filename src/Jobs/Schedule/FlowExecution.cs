using FeatureStore.Jobs.Runs;

namespace FeatureStore.Jobs.Schedule;

/// <summary>The right to carry out one run of a flow: its lease and a slot among the flow's active runs. A scheduler and a backfill enter by the same door.</summary>
internal sealed class FlowExecution : IDisposable
{
    private readonly FlowRoom _room;
    private readonly Flow _flow;
    private readonly LeaseKeeper _keeper;
    private readonly Lease _lease;
    private readonly long _run;

    private FlowExecution(FlowRoom room, Flow flow, long run, LeaseKeeper keeper, Lease lease) => (_room, _flow, _run, _keeper, _lease) = (room, flow, run, keeper, lease);

    /// <summary>Enters, or gives null where another holds the run or the flow has as many active runs as it may.</summary>
    public static FlowExecution? TryEnter(FlowRoom room, Flow flow, long run, out bool isFull)
    {
        var keeper = new LeaseKeeper(room.RunsPath, room.Time);
        isFull = keeper.TryTakeSlot(FlowRoom.ActiveLease(room.Project, flow.Name), flow.MaxActiveRuns) is null;
        if (!isFull && keeper.TryTake($"run {room.Project}/{run}") is { } lease)
        {
            return new FlowExecution(room, flow, run, keeper, lease);
        }

        keeper.Dispose();
        return null;
    }

    /// <summary>Carries the run out; null if it was over already.</summary>
    public async Task<RunState?> RunAsync(Func<TimeSpan, CancellationToken, Task> wait, CancellationToken stop)
    {
        using var file = RunFile.Open(_room.RunsPath);
        var history = new FlowHistory(file, _room.Project, _room.Time);
        if (history.Claim(_run, _lease.Fence) is not { } run)
        {
            return null;
        }

        JobSteps.Log.FlowClaimed();
        return await new FlowRunner(_room, history, _keeper, new RunLog(_room.RunsPath, _run, _room.Time), wait).RunAsync(_flow, run, stop);
    }

    /// <inheritdoc/>
    public void Dispose() => _keeper.Dispose();
}
