namespace FeatureStore.Jobs.Tests;

/// <summary>
/// A clock that moves only when it is told to. Timers that have become due are called by whoever moves it, in the order in which they were due, each once however far it
/// was moved, as after a machine slept. Moves are for one thread at a time; all else is safe for several.
/// </summary>
internal sealed class SteppedTime : TimeProvider
{
    private readonly Lock _turn = new();
    private readonly HashSet<SteppedTimer> _timers = [];
    private DateTimeOffset _now = new(2026, 11, 2, 0, 0, 0, TimeSpan.Zero);
    private TaskCompletionSource _armed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DateTimeOffset Now
    {
        get
        {
            lock (_turn)
            {
                return _now;
            }
        }

        set
        {
            SteppedTimer[] due;
            lock (_turn)
            {
                _now = value;
                due = [.. _timers.Where(t => t.Due <= value).OrderBy(t => t.Due)];
                foreach (var timer in due)
                {
                    timer.Arm(timer.Period);
                }
            }

            foreach (var timer in due)
            {
                timer.Call();
            }
        }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Now;

    public override long GetTimestamp() => Now.UtcTicks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SteppedTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Comes back once somebody waits who asked for just this long.</summary>
    public async Task ArmedAsync(TimeSpan wait)
    {
        while (true)
        {
            Task next;
            lock (_turn)
            {
                if (_timers.Any(t => t.Wait == wait && t.Due > _now))
                {
                    return;
                }

                next = _armed.Task;
            }

            await next;
        }
    }

    private sealed class SteppedTimer(SteppedTime time, TimerCallback callback, object? state) : ITimer
    {
        public DateTimeOffset Due { get; private set; } = DateTimeOffset.MaxValue;

        public TimeSpan Wait { get; private set; }

        public TimeSpan Period { get; private set; }

        public void Call() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            TaskCompletionSource armed;
            lock (time._turn)
            {
                Period = period > TimeSpan.Zero ? period : Timeout.InfiniteTimeSpan;
                Arm(dueTime);
                time._timers.Add(this);
                (armed, time._armed) = (time._armed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            }

            armed.SetResult();
            return true;
        }

        public void Arm(TimeSpan wait) => (Wait, Due) = (wait, wait == Timeout.InfiniteTimeSpan ? DateTimeOffset.MaxValue : time._now + wait);

        public void Dispose()
        {
            lock (time._turn)
            {
                time._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
