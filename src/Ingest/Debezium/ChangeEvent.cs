using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Debezium;

/// <summary>Why a message is no change event: what is wrong, and at which byte of the value.</summary>
public sealed record EnvelopeFault(long BytePosition, string Reason);

/// <summary>What a message turned out to be: a row, a tombstone or other message that says nothing (both null), or a fault.</summary>
public readonly record struct EnvelopeResult(ChangeRow? Row, EnvelopeFault? Fault);
