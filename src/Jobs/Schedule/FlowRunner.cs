using System.Globalization;
using FeatureStore.Jobs.Runs;

namespace FeatureStore.Jobs.Schedule;

/// <summary>
/// Runs the steps of one claimed run: each as soon as those before it are done, with retries, time-outs and pools. A step is noted as done after its work;
/// one that is noted is never run again, one that was not is repeated.
/// </summary>
internal sealed class FlowRunner(FlowRoom room, FlowHistory history, LeaseKeeper keeper, RunLog log, Func<TimeSpan, CancellationToken, Task> wait)
{
    private static readonly TimeSpan PoolPoll = TimeSpan.FromSeconds(0.5);
    private readonly Dictionary<string, Task<Ended>> _running = [];

    private DateTimeOffset Now => room.Time.GetUtcNow();

    /// <summary>Runs until nothing is left to do, or until told to stop; then the run is queued again and goes on later where it stopped.</summary>
    public async Task<RunState> RunAsync(Flow flow, FlowRun run, CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, keeper.Token);
        log.Write($"run {run.Id} of {flow.Name} for {run.Interval.Start:u} to {run.Interval.End:u} ({run.Cause})");
        while (true)
        {
            var attempts = history.Attempts(run.Id);
            var standings = FlowProgress.Of(flow, attempts, Now);
            var isHeldUp = !either.IsCancellationRequested && StartReady(flow, run, standings, either.Token);
            if (_running.Count == 0 && (either.IsCancellationRequested || !isHeldUp && !standings.Values.Contains(StepStanding.Waiting)))
            {
                return End(run, standings, stop);
            }

            await NextAsync(FlowProgress.NextTry(attempts, Now), isHeldUp, either.Token);
            foreach (var (step, ended) in _running.Where(r => r.Value.IsCompleted).ToArray())
            {
                _running.Remove(step);
                Note(run, await ended);
            }
        }
    }

    private RunState End(FlowRun run, IReadOnlyDictionary<string, StepStanding> standings, CancellationToken stop)
    {
        if (keeper.Token.IsCancellationRequested)
        {
            log.Write("the lease was lost; whoever holds it goes on");
            return RunState.Abandoned;
        }

        var failed = standings.Where(s => s.Value == StepStanding.Failed).Select(s => s.Key).ToArray();
        var state = standings.Values.All(s => s == StepStanding.Done) ? RunState.Done
            : stop.IsCancellationRequested ? RunState.Queued
            : RunState.Failed;
        log.Write($"run {run.Id}: {(state == RunState.Queued ? "stopped, and goes on later" : RunHistory.Text(state))}");
        history.End(run, state, state == RunState.Failed ? $"failed: {string.Join(", ", failed)}" : null);
        return state;
    }

    // True if a step was held up by its pool.
    private bool StartReady(Flow flow, FlowRun run, IReadOnlyDictionary<string, StepStanding> standings, CancellationToken stop)
    {
        var isHeldUp = false;
        foreach (var step in flow.Steps.Where(s => standings[s.Name] == StepStanding.Ready))
        {
            Lease? slot = null;
            if (step.Pool is { } pool && (slot = keeper.TryTakeSlot(FlowRoom.PoolLease(room.Project, pool), room.Schedule.Pools[pool])) is null)
            {
                isHeldUp = true;
            }
            else if (history.BeginAttempt(run, step.Name) is { } attempt)
            {
                _running[step.Name] = AttemptAsync(step, attempt, run, slot, stop);
            }
        }

        return isHeldUp;
    }

    private async Task<Ended> AttemptAsync(FlowStep step, int attempt, FlowRun run, Lease? slot, CancellationToken stop)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{step.Name} #{attempt}");
        log.Write($"{name}: begins");
        using var timeout = new CancellationTokenSource(step.Timeout, room.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        try
        {
            JobSteps.Log.StepBegun();
            var call = new TaskCall(step.Task, step.With, run.Interval, line => log.Write($"{name}: {line}"));
            var note = await Task.Run(() => room.Tasks.RunAsync(call, either.Token), CancellationToken.None);
            JobSteps.Log.StepWorked();
            return new Ended(step, attempt, RunState.Done, note, IsFinal: true, slot);
        }
        catch (Exception) when (stop.IsCancellationRequested)
        {
            return new Ended(step, attempt, RunState.Stopped, "told to stop", IsFinal: false, slot);
        }
        catch (Exception) when (timeout.IsCancellationRequested)
        {
            return new Ended(step, attempt, RunState.Failed, string.Create(CultureInfo.InvariantCulture, $"timed out after {step.Timeout}"), IsFinal: false, slot);
        }
        catch (StepFailedException e)
        {
            return new Ended(step, attempt, RunState.Failed, e.Message, e.IsFinal, slot);
        }
        catch (Exception e)
        {
            // A message of unknown origin may hold what a log may not.
            return new Ended(step, attempt, RunState.Failed, e.GetType().Name, IsFinal: false, slot);
        }
    }

    private void Note(FlowRun run, Ended ended)
    {
        var (step, now) = (ended.Step, Now);
        var failures = 1 + history.Attempts(run.Id).Count(a => a.Step == step.Name && a.State == RunState.Failed);
        DateTimeOffset? retryAt = ended.State == RunState.Failed && !ended.IsFinal && failures <= step.Retries ? now + step.DelayAfter(failures) : null;
        if (!keeper.Token.IsCancellationRequested)
        {
            history.EndAttempt(run, new StepAttempt(step.Name, ended.Attempt, ended.State, now, now, retryAt, ended.Note));
        }

        if (ended.State == RunState.Done)
        {
            JobSteps.Log.StepNoted();
        }

        if (ended.Slot is { } slot)
        {
            keeper.Release(slot);
        }

        log.Write($"{step.Name} #{ended.Attempt}: {RunHistory.Text(ended.State)}: {ended.Note}{(retryAt is { } at ? $"; tried again at {at:u}" : string.Empty)}");
    }

    private async Task NextAsync(DateTimeOffset? nextTry, bool isHeldUp, CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var delay = nextTry is { } at ? at - Now : Timeout.InfiniteTimeSpan;
        if (isHeldUp && (delay == Timeout.InfiniteTimeSpan || delay > PoolPoll))
        {
            delay = PoolPoll;
        }

        // A wait of nothing would be for ever if it came out below zero.
        Task[] waits = delay == Timeout.InfiniteTimeSpan && _running.Count > 0 ? [.. _running.Values]
            : [.. _running.Values, wait(delay > TimeSpan.Zero || delay == Timeout.InfiniteTimeSpan ? delay : TimeSpan.Zero, over.Token)];
        await Task.WhenAny(waits);
        await over.CancelAsync();
    }

    private sealed record Ended(FlowStep Step, int Attempt, RunState State, string Note, bool IsFinal, Lease? Slot);
}
