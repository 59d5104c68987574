namespace FeatureStore.Ingest;

/// <summary>What a run landed.</summary>
/// <param name="Rows">Rows in the lake.</param>
/// <param name="DeadLetters">Messages that were no change events.</param>
/// <param name="NullUsers">Landed rows, deletes aside, without a user: they are in no window.</param>
/// <param name="NullTimes">Landed rows, deletes aside, without an event time: they are in no window.</param>
/// <param name="Others">Messages that carry no row: tombstones, heartbeats, transactions' metadata, logical decoding messages.</param>
public sealed record IngestResult(long Rows, long DeadLetters, long NullUsers = 0, long NullTimes = 0, long Others = 0)
{
    public IngestResult Plus(IngestResult other) => new(
        Rows + other.Rows, DeadLetters + other.DeadLetters, NullUsers + other.NullUsers, NullTimes + other.NullTimes, Others + other.Others);
}
