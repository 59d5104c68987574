using System.Diagnostics.Tracing;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>
/// The steps of a write to the lake between which a kill leaves the disk in different states, as events that <c>dotnet-trace</c> and tests can listen to. They
/// say nothing of what is written, and cost a look at a flag while nobody listens.
/// </summary>
[EventSource(Name = "FeatureStore-Lake")]
internal sealed class LakeSteps : EventSource
{
    public static readonly LakeSteps Log = new();

    private LakeSteps()
    {
    }

    /// <summary>Data files are complete under a temporary name.</summary>
    [Event(1)]
    public void FileStaged() => WriteIfHeard(1);

    /// <summary>A data file has its name, and no commit names it yet.</summary>
    [Event(2)]
    public void FileMoved() => WriteIfHeard(2);

    /// <summary>A commit is complete under a temporary name.</summary>
    [Event(3)]
    public void CommitReady() => WriteIfHeard(3);

    /// <summary>A commit has its name and is durable.</summary>
    [Event(4)]
    public void CommitDone() => WriteIfHeard(4);

    /// <summary>A checkpoint has its name, and <c>_last_checkpoint</c> does not name it yet.</summary>
    [Event(5)]
    public void CheckpointDone() => WriteIfHeard(5);

    /// <summary>One file of an old log is deleted.</summary>
    [Event(6)]
    public void LogFileDeleted() => WriteIfHeard(6);

    /// <summary>One data file is deleted by vacuum, or as the orphan of a broken run.</summary>
    [Event(7)]
    public void DataFileDeleted() => WriteIfHeard(7);

    [NonEvent]
    private void WriteIfHeard(int id)
    {
        if (IsEnabled())
        {
            WriteEvent(id);
        }
    }
}
