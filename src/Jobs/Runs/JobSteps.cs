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

    [NonEvent]
    private void WriteIfHeard(int id)
    {
        if (IsEnabled())
        {
            WriteEvent(id);
        }
    }
}
