namespace FeatureStore.Ingest.ChangeLog;

/// <summary>One message of a topic, as Kafka would carry it.</summary>
/// <param name="Key">The source row's primary key as JSON; null for none.</param>
/// <param name="Value">A change event; null is a tombstone.</param>
/// <param name="CreateHalf">True for the create that follows the delete of a changed key (Debezium's header <c>__debezium.oldkey</c>).</param>
/// <param name="Headers">Headers that say something of the event, as the marks of a flattened row do; null for none.</param>
public sealed record LogMessage(byte[]? Key, byte[]? Value, bool CreateHalf = false, IReadOnlyDictionary<string, string>? Headers = null);

/// <summary>A message with its place in the topic; offsets of a topic of the embedded log are consecutive from 0.</summary>
/// <param name="TimestampMillis">When it was sent, milliseconds since the epoch, null if that was not kept; only a flattened row without a commit time is known from it.</param>
public sealed record StoredMessage(long Offset, LogMessage Message, long? TimestampMillis);

/// <summary>A named topic; the id tells a topic from a later one of the same name.</summary>
public sealed record LogTopic(long RowId, string Name, string TopicId);

/// <summary>How far an import came, kept in the transaction of its rows.</summary>
/// <param name="ShiftWeeks">Whole weeks added to all times; the first run's choice stays.</param>
/// <param name="RowsDone">Source rows dealt with, appended or found equal.</param>
/// <param name="Completed">True when the source has no more rows.</param>
public sealed record ImportProgress(string Id, int ShiftWeeks, long RowsDone, bool Completed);

/// <summary>A message that was no change event: its offset, the place in its value (byte, and path in its JSON), and why.</summary>
public sealed record DeadLetter(long Offset, long BytePosition, string Reason, string Path = "$");

/// <summary>The change log cannot be used; the message names the file and the way out.</summary>
public sealed class ChangeLogException(string message, Exception? cause = null) : Exception(message, cause);
