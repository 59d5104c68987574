using FeatureStore.Jobs.Runs;

namespace FeatureStore.Jobs.Schedule;

/// <summary>
/// Runs a project's flows until told to stop. On SQLite, whose triggers one process may own at a time, others stand by under a lease and take over when its
/// holder is gone; on PostgreSQL all work, as a cluster of Quartz. In both cases a run is carried out under its own lease.
/// </summary>
/// <param name="report">Takes a line about what happens.</param>
public sealed class FlowScheduler(FlowRoom room, TriggerStore store, Action<string> report)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>The lease of the scheduler that works, on SQLite.</summary>
    public static string LeaseName(string project) => $"scheduler {project}";

    /// <summary>Comes back when it was told to stop and every step has ended.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        RunLog.Prune(room.RunsPath);
        while (!stop.IsCancellationRequested)
        {
            using var keeper = new LeaseKeeper(room.RunsPath, room.Time);
            if (!store.IsPostgres && !await LeadAsync(keeper, stop))
            {
                break;
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, keeper.Token);
            await WorkAsync(either.Token);
            if (keeper.Token.IsCancellationRequested)
            {
                report("the scheduler's lease was lost; standing by");
            }
        }

        report("scheduler stopped");
    }

    private async Task WorkAsync(CancellationToken stop)
    {
        try
        {
            await using var clock = await FlowClock.StartAsync(room, store, stop);
            report($"scheduler started: {string.Join(", ", room.Schedule.Flows.Select(f => $"{f.Name} next at {f.Calendar.After(room.Time.GetUtcNow()):u}"))}");
            PlanAll();
            await new FlowDispatcher(room, report).RunAsync(stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Told to stop while it started.
        }
    }

    // What passed while no scheduler ran is due now, whatever the triggers remember.
    private void PlanAll()
    {
        using var file = RunFile.Open(room.RunsPath);
        var history = new FlowHistory(file, room.Project, room.Time);
        foreach (var flow in room.Schedule.Flows)
        {
            history.Plan(flow);
        }
    }

    private async Task<bool> LeadAsync(LeaseKeeper keeper, CancellationToken stop)
    {
        var isTold = false;
        while (keeper.TryTake(LeaseName(room.Project)) is null)
        {
            if (!isTold)
            {
                report("another scheduler works on this store; standing by");
                isTold = true;
            }

            try
            {
                await Task.Delay(LookEvery, room.Time, stop);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }

        return true;
    }
}
