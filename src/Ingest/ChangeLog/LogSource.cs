namespace FeatureStore.Ingest.ChangeLog;

/// <summary>A topic of the embedded change log, which has one partition and keeps every message.</summary>
internal sealed class LogSource(EmbeddedChangeLog log, LogTopic topic) : ITopicSource
{
    /// <inheritdoc/>
    public string Topic => topic.Name;

    /// <inheritdoc/>
    public string AppId => $"log:{log.ClusterId}:{topic.TopicId}:0";

    /// <inheritdoc/>
    public bool IsWhole => true;

    /// <inheritdoc/>
    public long First => 0;

    /// <inheritdoc/>
    public long Next(long? landed) => landed + 1 ?? 0;

    /// <inheritdoc/>
    public IReadOnlyList<StoredMessage> Read(long from, int messagesMax, long bytesMax) => log.Read(topic, from, messagesMax, bytesMax);

    /// <inheritdoc/>
    public IReadOnlyList<StoredMessage> Past(long first, long end) => log.Read(topic, first, (int)(end - first));

    /// <inheritdoc/>
    public void NoteLetters(IReadOnlyList<StoredMessage> batch, IReadOnlyList<DeadLetter> letters) => log.DeadLetters.Note(topic, letters);

    /// <inheritdoc/>
    public void NoteLanded(long offset) => log.NotePosition(topic, IngestRunner.Consumer, offset);
}
