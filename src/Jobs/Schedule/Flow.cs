namespace FeatureStore.Jobs.Schedule;

/// <summary>What becomes of a time that passed while no scheduler ran, without catch-up.</summary>
public enum MisfireRule
{
    /// <summary>The newest of the missed times runs once, as soon as a scheduler is there.</summary>
    FireOnce,

    /// <summary>Missed times are left out.</summary>
    Skip,
}

/// <summary>The flows of a project and the pools that their steps share.</summary>
/// <param name="Pools">Names of pools, to how many steps may be in each at once.</param>
public sealed record FlowSchedule(IReadOnlyList<Flow> Flows, IReadOnlyDictionary<string, int> Pools)
{
    /// <summary>The flow of a name, or null.</summary>
    public Flow? Find(string name) => Flows.FirstOrDefault(f => f.Name == name);
}

/// <summary>Small steps that run together for one data interval after another. Airflow calls it a DAG.</summary>
/// <param name="Steps">A step comes after those that it waits for.</param>
public sealed record Flow(string Name, FlowCalendar Calendar, IReadOnlyList<FlowStep> Steps)
{
    /// <summary>Runs of missed intervals at most, whatever was missed.</summary>
    public const int CatchUpMaxDefault = 31;

    public MisfireRule Misfire { get; init; }

    /// <summary>A time that is later than this was missed.</summary>
    public TimeSpan MisfireAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>True to run each missed interval, oldest first.</summary>
    public bool CatchUp { get; init; }

    /// <summary>The newest so many missed intervals are caught up; older ones are left to a backfill.</summary>
    public int CatchUpMax { get; init; } = CatchUpMaxDefault;

    /// <summary>How many runs of this flow may be under way at once.</summary>
    public int MaxActiveRuns { get; init; } = 1;

    /// <summary>Where the first interval begins; without it, when a scheduler first sees the flow.</summary>
    public DateTimeOffset? StartDate { get; init; }
}

/// <summary>One step of a flow. Airflow calls it a task.</summary>
/// <param name="Task">What it does, a name that the tasks know.</param>
public sealed record FlowStep(string Name, string Task)
{
    /// <summary>Steps that must be done before.</summary>
    public IReadOnlyList<string> After { get; init; } = [];

    /// <summary>How often it is tried again after a failure.</summary>
    public int Retries { get; init; } = 2;

    /// <summary>The wait before the first retry; each one after it waits twice as long.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest wait.</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>An attempt that takes longer is told to end, and has failed.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The pool whose slot it needs; null needs none.</summary>
    public string? Pool { get; init; }

    /// <summary>What the task is told beside the data interval.</summary>
    public IReadOnlyDictionary<string, object?> With { get; init; } = new Dictionary<string, object?>();

    /// <summary>The wait after so many failures.</summary>
    public TimeSpan DelayAfter(int failures)
    {
        var delay = Backoff;
        for (var i = 1; i < failures && delay < BackoffMax; i++)
        {
            delay *= 2;
        }

        return delay < BackoffMax ? delay : BackoffMax;
    }
}

/// <summary>The time that a run is for: it fires at the end, and its logical date is the start, as in Airflow.</summary>
public readonly record struct DataInterval(DateTimeOffset Start, DateTimeOffset End);
