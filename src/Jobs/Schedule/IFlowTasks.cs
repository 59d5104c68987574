namespace FeatureStore.Jobs.Schedule;

/// <summary>What a step is told.</summary>
/// <param name="Log">Takes lines for the run's log; no secrets and no entity's values.</param>
public sealed record TaskCall(string Task, IReadOnlyDictionary<string, object?> With, DataInterval Interval, Action<string> Log);

/// <summary>The port to what steps do. Every task is safe to repeat.</summary>
public interface IFlowTasks
{
    /// <summary>Does a task and says in a line what was done.</summary>
    /// <exception cref="StepFailedException">It failed for a reason that can be told.</exception>
    Task<string> RunAsync(TaskCall call, CancellationToken cancellationToken);
}

/// <summary>A step failed; the message holds nothing that a log may not.</summary>
/// <param name="isFinal">True when a repeat would fail too, so that none is tried.</param>
public sealed class StepFailedException(string message, bool isFinal, Exception? cause = null) : Exception(message, cause)
{
    public bool IsFinal => isFinal;
}
