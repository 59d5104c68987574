namespace FeatureStore.OfflineStore.Lake;

/// <summary>Column types of the lake's tables; each is one Delta primitive type.</summary>
public enum LakeType
{
    /// <summary>UTF-8 text; CLR <see cref="string"/>.</summary>
    String,

    /// <summary>Delta <c>long</c>; CLR <see cref="long"/>.</summary>
    Int64,

    /// <summary>Delta <c>integer</c>; CLR <see cref="int"/>.</summary>
    Int32,

    /// <summary>Delta <c>double</c>; CLR <see cref="double"/>.</summary>
    Double,

    /// <summary>Delta <c>boolean</c>; CLR <see cref="bool"/>.</summary>
    Boolean,

    /// <summary>Delta <c>timestamp</c>; CLR <see cref="long"/>, microseconds since the epoch, UTC.</summary>
    Timestamp,

    /// <summary>Delta <c>date</c>; CLR <see cref="DateOnly"/>.</summary>
    Date,
}

/// <summary>A named column of a lake table.</summary>
public sealed record LakeColumn(string Name, LakeType Type);

/// <summary>
/// One change of one source row, as it lands in a change table. Identity is (source, LSN, key, part); the LSN orders
/// versions of one key and nothing else.
/// </summary>
/// <param name="Op">Debezium's op: c, u, d, r (snapshot) or t (truncate).</param>
/// <param name="Source">Name of the source stream the LSN belongs to.</param>
/// <param name="Part">0, or 1 for the create half of a key change; below 0 as <see cref="ChangeColumns"/> says.</param>
/// <param name="Key">Primary key as canonical JSON text; null only for a truncate.</param>
/// <param name="CommitTimeMicros">Commit time, microseconds since the epoch.</param>
/// <param name="Unavailable">Names of columns whose value the event did not carry (unchanged TOAST).</param>
/// <param name="Values">After image (before image of a delete), one per row column, CLR types as <see cref="LakeType"/> says.</param>
/// <param name="PreviousCommitLsn">End of the last commit that the source streamed before the change; null where it does not tell.</param>
public sealed record ChangeRow(
    string Op,
    string Source,
    long Lsn,
    int Part,
    string? Key,
    long CommitTimeMicros,
    IReadOnlyList<string> Unavailable,
    object?[] Values,
    long? PreviousCommitLsn = null);

/// <summary>Progress stored in the same commit as the rows: Delta's <c>txn</c> action.</summary>
public sealed record LakeTxn(string AppId, long Version);
