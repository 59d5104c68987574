using FeatureStore.Jobs.Runs;

namespace FeatureStore.Jobs.Schedule;

/// <summary>Carries out queued runs, and those whose process died, until told to stop; then it waits for the steps that are under way.</summary>
internal sealed class FlowDispatcher(FlowRoom room, Action<string> report)
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private readonly Dictionary<long, (string Flow, Task Work)> _active = [];

    public async Task RunAsync(CancellationToken stop)
    {
        using var file = RunFile.Open(room.RunsPath);
        var history = new FlowHistory(file, room.Project, room.Time);
        try
        {
            while (!stop.IsCancellationRequested)
            {
                StartOpen(history, stop);
                using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
                await Task.WhenAny([.. _active.Values.Select(a => a.Work), Task.Delay(Poll, room.Time, over.Token)]);
                await over.CancelAsync();
                foreach (var (run, _) in _active.Where(a => a.Value.Work.IsCompleted).ToArray())
                {
                    _active.Remove(run);
                }
            }
        }
        finally
        {
            await Task.WhenAll(_active.Values.Select(a => a.Work));
        }
    }

    private void StartOpen(FlowHistory history, CancellationToken stop)
    {
        var full = new HashSet<string>();
        foreach (var run in history.Open().Where(r => !_active.ContainsKey(r.Id)))
        {
            if (room.Schedule.Find(run.Flow) is not { } flow || full.Contains(flow.Name) || _active.Values.Count(a => a.Flow == flow.Name) >= flow.MaxActiveRuns)
            {
                continue;
            }

            if (FlowExecution.TryEnter(room, flow, run.Id, out var isFull) is { } execution)
            {
                _active[run.Id] = (flow.Name, CarryOutAsync(execution, run, stop));
            }
            else if (isFull)
            {
                full.Add(flow.Name);
            }
        }
    }

    private async Task CarryOutAsync(FlowExecution execution, FlowRun run, CancellationToken stop)
    {
        try
        {
            using (execution)
            {
                report($"run {run.Id} of {run.Flow} for {run.Logical:u} begins");
                var state = await execution.RunAsync((delay, token) => Task.Delay(delay, room.Time, token), stop);
                report($"run {run.Id} of {run.Flow} for {run.Logical:u}: {state?.ToString().ToLowerInvariant() ?? "was over"}");
            }
        }
        catch (RunFileException e)
        {
            // The run stays open in the history, and is tried again.
            report($"run {run.Id}: {e.Message}");
        }
    }
}
