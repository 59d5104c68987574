using FeatureStore.Jobs.Runs;

namespace FeatureStore.Jobs.Schedule;

/// <summary>Where a step of a run stands.</summary>
public enum StepStanding
{
    /// <summary>A step before it is not done yet.</summary>
    NotYet,

    /// <summary>It may begin.</summary>
    Ready,

    /// <summary>It failed and waits for its next try.</summary>
    Waiting,

    Running,
    Done,

    /// <summary>It failed and is not tried again.</summary>
    Failed,

    /// <summary>A step before it failed.</summary>
    UpstreamFailed,
}

/// <summary>Reads off the attempts how far a run is.</summary>
public static class FlowProgress
{
    /// <summary>How often a step may lose its process before it counts as failed, so that a step that kills its process does not for ever.</summary>
    public const int CrashesMax = 5;

    /// <summary>Where each step stands, in the flow's order.</summary>
    public static IReadOnlyDictionary<string, StepStanding> Of(Flow flow, IReadOnlyList<StepAttempt> attempts, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(flow);
        var standings = new Dictionary<string, StepStanding>();
        foreach (var step in flow.Steps)
        {
            var own = Own(step, attempts, now);
            var before = step.After.Select(a => standings[a]).ToArray();
            standings[step.Name] = own != StepStanding.Ready ? own
                : before.Any(s => s is StepStanding.Failed or StepStanding.UpstreamFailed) ? StepStanding.UpstreamFailed
                : before.All(s => s == StepStanding.Done) ? StepStanding.Ready
                : StepStanding.NotYet;
        }

        return standings;
    }

    /// <summary>When the next try of a waiting step may begin; null if none waits.</summary>
    public static DateTimeOffset? NextTry(IReadOnlyList<StepAttempt> attempts, DateTimeOffset now) => attempts.Where(a => a.RetryAt > now).Min(a => a.RetryAt);

    private static StepStanding Own(FlowStep step, IReadOnlyList<StepAttempt> attempts, DateTimeOffset now)
    {
        var own = attempts.Where(a => a.Step == step.Name).ToArray();
        return own.MaxBy(a => a.Attempt) switch
        {
            null => StepStanding.Ready,
            { State: RunState.Done } => StepStanding.Done,
            { State: RunState.Running } => StepStanding.Running,
            { State: RunState.Failed, RetryAt: null } => StepStanding.Failed,
            { State: RunState.Failed, RetryAt: var at } when at > now => StepStanding.Waiting,
            _ => own.Count(a => a.State == RunState.Abandoned) > CrashesMax ? StepStanding.Failed : StepStanding.Ready,
        };
    }
}
