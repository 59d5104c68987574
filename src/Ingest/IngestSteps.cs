using System.Diagnostics.Tracing;

namespace FeatureStore.Ingest;

/// <summary>The steps of landing a batch, as events that <c>dotnet-trace</c> and tests can listen to.</summary>
[EventSource(Name = "FeatureStore-Ingest")]
internal sealed class IngestSteps : EventSource
{
    public static readonly IngestSteps Log = new();

    private IngestSteps()
    {
    }

    /// <summary>A batch is read from the log and parsed.</summary>
    [Event(1)]
    public void BatchRead() => WriteIfHeard(1);

    /// <summary>Dead letters of a batch are noted.</summary>
    [Event(2)]
    public void LettersNoted() => WriteIfHeard(2);

    /// <summary>A batch is durable in the lake, and the log is not told yet.</summary>
    [Event(3)]
    public void BatchLanded() => WriteIfHeard(3);

    /// <summary>The log is told how far the lake is.</summary>
    [Event(4)]
    public void PositionNoted() => WriteIfHeard(4);

    [NonEvent]
    private void WriteIfHeard(int id)
    {
        if (IsEnabled())
        {
            WriteEvent(id);
        }
    }
}
