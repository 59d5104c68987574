using System.Diagnostics.Tracing;

namespace FeatureStore.Jobs.Runs;

/// <summary>The steps of a run, as events that <c>dotnet-trace</c> and tests can listen to.</summary>
[EventSource(Name = "FeatureStore-Jobs")]
internal sealed class JobSteps : EventSource
{
    public static readonly JobSteps Log = new();

    private JobSteps()
    {
    }

    /// <summary>The lease is taken.</summary>
    [Event(1)]
    public void LeaseTaken() => WriteIfHeard(1);

    /// <summary>The fence stands in the store.</summary>
    [Event(2)]
    public void FenceRaised() => WriteIfHeard(2);

    /// <summary>A batch is in the store.</summary>
    [Event(3)]
    public void BatchWritten() => WriteIfHeard(3);

    /// <summary>Every row is in the store and it is marked whole; the registry is not told yet.</summary>
    [Event(4)]
    public void StoreMarked() => WriteIfHeard(4);

    /// <summary>The registry has the range; the history does not say yet that the run is done.</summary>
    [Event(5)]
    public void RangeNoted() => WriteIfHeard(5);

    /// <summary>Due runs of a flow are queued.</summary>
    [Event(6)]
    public void FlowPlanned() => WriteIfHeard(6);

    /// <summary>A queued run of a flow is claimed.</summary>
    [Event(7)]
    public void FlowClaimed() => WriteIfHeard(7);

    /// <summary>An attempt of a step is noted and about to begin.</summary>
    [Event(8)]
    public void StepBegun() => WriteIfHeard(8);

    /// <summary>A step has done its work; the history does not say so yet.</summary>
    [Event(9)]
    public void StepWorked() => WriteIfHeard(9);

    /// <summary>The history says that a step is done.</summary>
    [Event(10)]
    public void StepNoted() => WriteIfHeard(10);

    [NonEvent]
    private void WriteIfHeard(int id)
    {
        if (IsEnabled())
        {
            WriteEvent(id);
        }
    }
}
