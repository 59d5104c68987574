using FeatureStore.Jobs.Materialize;
using FeatureStore.Jobs.Runs;

namespace FeatureStore.Jobs.Schedule;

/// <summary>How far a backfill is, in logical dates.</summary>
/// <param name="Skipped">Dates that were done before.</param>
public readonly record struct BackfillProgress(int Done, int Skipped, int Failed, int Total);

/// <summary>
/// Carries out a backfill, a logical date after another, oldest first. A date that is done is skipped, so a killed one goes on where it was; a scheduler may
/// run beside it, since each run is entered by its lease.
/// </summary>
public sealed class BackfillRunner
{
    /// <summary>Dates that one backfill may have.</summary>
    public const int DatesMax = 100_000;

    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private readonly FlowRoom _room;
    private readonly Func<TimeSpan, CancellationToken, Task> _wait;

    public BackfillRunner(FlowRoom room)
        : this(room, (delay, token) => Task.Delay(delay, room.Time, token))
    {
    }

    internal BackfillRunner(FlowRoom room, Func<TimeSpan, CancellationToken, Task> wait) => (_room, _wait) = (room, wait);

    /// <summary>The intervals that a backfill takes: those that have ended.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are more than <see cref="DatesMax"/>.</exception>
    public static IReadOnlyList<DataInterval> Dates(Flow flow, DateTimeOffset first, DateTimeOffset last, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(flow);
        var dates = flow.Calendar.Between(first, last, now).Take(DatesMax + 1).ToArray();
        ArgumentOutOfRangeException.ThrowIfGreaterThan(dates.Length, DatesMax);
        return dates;
    }

    /// <summary>Runs until every date was tried, or until it is paused, cancelled, or told to stop, in which case it stays <see cref="BackfillState.Running"/>.</summary>
    /// <exception cref="JobBusyException">Another process carries it out.</exception>
    public async Task<BackfillState> RunAsync(Flow flow, Backfill backfill, IProgress<BackfillProgress>? progress, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(flow);
        ArgumentNullException.ThrowIfNull(backfill);
        using var keeper = new LeaseKeeper(_room.RunsPath, _room.Time);
        _ = keeper.TryTake($"backfill {_room.Project}/{backfill.Id}")
            ?? throw new JobBusyException($"Backfill {backfill.Id} is carried out by another process; 'fstore backfill --pause {backfill.Id}' ends that one.");
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, keeper.Token);
        using var file = RunFile.Open(_room.RunsPath);
        var (backfills, history) = (new Backfills(file, _room.Project, _room.Time), new FlowHistory(file, _room.Project, _room.Time));
        var dates = Dates(flow, backfill.First, backfill.Last, _room.Time.GetUtcNow());
        var counts = new BackfillProgress(0, 0, 0, dates.Count);
        foreach (var date in dates)
        {
            if (either.IsCancellationRequested || backfills.Find(backfill.Id) is not { State: BackfillState.Running })
            {
                break;
            }

            counts = await RunDateAsync(flow, backfill, history, date, either.Token) switch
            {
                null => counts with { Skipped = counts.Skipped + 1 },
                RunState.Done => counts with { Done = counts.Done + 1 },
                RunState.Queued => counts,
                _ => counts with { Failed = counts.Failed + 1 },
            };
            progress?.Report(counts);
        }

        if (counts.Done + counts.Skipped + counts.Failed == counts.Total)
        {
            backfills.End(backfill.Id, counts.Failed > 0 ? BackfillState.Failed : BackfillState.Done);
        }

        return backfills.Find(backfill.Id)!.State;
    }

    // Null if the date was done before; queued if it was told to stop.
    private async Task<RunState?> RunDateAsync(Flow flow, Backfill backfill, FlowHistory history, DataInterval date, CancellationToken stop)
    {
        var run = history.Find(flow.Name, date.Start);
        if (run is { State: RunState.Done } && (!backfill.Again || run.Backfill == backfill.Id))
        {
            return null;
        }

        // A failed date goes on at what failed, a done one runs from its start.
        if (run is { State: RunState.Done or RunState.Failed })
        {
            history.Clear(run.Id, failedOnly: run.State == RunState.Failed, backfill.Id);
        }

        var id = run?.Id ?? history.Queue(flow.Name, date.Start, date, "backfill");
        while (!stop.IsCancellationRequested)
        {
            using (var execution = FlowExecution.TryEnter(_room, flow, id, out _))
            {
                if (execution is not null && await execution.RunAsync(_wait, stop) is { } state and not RunState.Abandoned)
                {
                    return state;
                }
            }

            // Somebody else had it, and may have ended it.
            if (history.Find(id) is { State: RunState.Done or RunState.Failed } over)
            {
                return over.State;
            }

            await _wait(Poll, stop).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }

        return RunState.Queued;
    }
}
