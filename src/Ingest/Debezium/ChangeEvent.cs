using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Debezium;

/// <summary>Why a message is no change event: what is wrong, at which byte of the value, and where in its JSON.</summary>
public sealed record EnvelopeFault(long BytePosition, string Reason, string Path = "$");

/// <summary>
/// What a message turned out to be: a row, a tombstone or other message that says nothing (all null), or a fault. An update of a row without a key
/// is two rows: its end, and the row that takes its place.
/// </summary>
public readonly record struct EnvelopeResult(ChangeRow? Row, EnvelopeFault? Fault, ChangeRow? Second = null);
