namespace FeatureStore.Ingest.ChangeLog;

/// <summary>One message of a topic, as Kafka would carry it.</summary>
/// <param name="Key">The source row's primary key as JSON; null for none.</param>
/// <param name="Value">A change event; null is a tombstone.</param>
/// <param name="CreateHalf">True for the create that follows the delete of a changed key (Debezium's header <c>__debezium.oldkey</c>).</param>
public sealed record LogMessage(byte[]? Key, byte[]? Value, bool CreateHalf = false);

/// <summary>A message with its place in the topic; offsets of a topic are consecutive from 0.</summary>
public sealed record StoredMessage(long Offset, LogMessage Message);

/// <summary>A named topic; the id tells a topic from a later one of the same name.</summary>
public sealed record LogTopic(long RowId, string Name, string TopicId);

/// <summary>The change log cannot be used; the message names the file and the way out.</summary>
public sealed class ChangeLogException(string message, Exception? cause = null) : Exception(message, cause);
