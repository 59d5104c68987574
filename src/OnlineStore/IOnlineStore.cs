using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;

namespace FeatureStore.OnlineStore;

/// <summary>A feature view as the store sees it: the project, the view's real name, and its feature names.</summary>
/// <param name="Project">Feast project.</param>
/// <param name="View">The name that the view is stored under: its own and, where versions lie apart, its version's; never a projection's alias.</param>
/// <param name="Features">Feature names; the order of values in rows and replies.</param>
public sealed record OnlineTable(string Project, string View, IReadOnlyList<string> Features);

/// <summary>
/// What happens to a row whose event time equals the stored one. An older row loses under the first two rules; a stored time at or
/// before 1970-01-01T00:00:00Z counts as none, as in Feast.
/// </summary>
public enum OnlineWriteRule
{
    /// <summary>Feast's rule for pushes and foreign writers: an older or equal event time loses.</summary>
    NewerWins,

    /// <summary>Our materialise, which already picked the newest (event, created): only an older event time loses.</summary>
    NewerOrEqualWins,

    /// <summary>A correction asked for by name: the row replaces whatever is stored, however new. Of rows of one key in a call the last wins.</summary>
    Replaces,
}

/// <summary>How a call writes: by which rule, and as the holder of which fence.</summary>
/// <param name="Fence">Null for writers who hold none (pushes, foreign writers); else the store refuses unless this very fence stands for the table.</param>
public readonly record struct OnlineWrite(OnlineWriteRule Rule, long? Fence = null)
{
    /// <summary>A write without a fence.</summary>
    public static implicit operator OnlineWrite(OnlineWriteRule rule) => new(rule);
}

/// <summary>Who may write a table under a fence, and who left it whole.</summary>
/// <param name="Standing">The fence that stands; null if no holder of one ever wrote, or the store was emptied since.</param>
/// <param name="Whole">The fence of the last holder that marked the table whole; null if none did since the store was empty.</param>
public readonly record struct OnlineFence(long? Standing, long? Whole);

/// <summary>How many rows of a write were taken and how many lost to a newer stored row.</summary>
public sealed record OnlineWriteCounts(int Written, int Skipped);

/// <summary>
/// What is stored for one entity in one table. <see cref="Values"/> follows the table's features: an absent field is told
/// from one without bytes, which is Feast's stored null. <see cref="EventTimeMicros"/> is null when no row is stored.
/// </summary>
public readonly record struct OnlineRead(long? EventTimeMicros, StoredValues Values);

/// <summary>
/// The narrow waist of serving: reads and writes (entity keys) × (tables) as bytes and knows nothing of registries.
/// Implementations are safe for concurrent use. A call whose token ends throws <see cref="OperationCanceledException"/>; a
/// store that is gone, silent or holds garbage throws <see cref="OnlineStoreException"/>, by its own time limit at the latest.
/// </summary>
public interface IOnlineStore : IAsyncDisposable
{
    /// <summary>Makes what the tables need before the first write; safe to repeat.</summary>
    Task EnsureTablesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken);

    /// <summary>Reads every key from every table: <c>result[table][key]</c>. All tables are of one project and share the entity's join keys.</summary>
    /// <exception cref="OnlineStoreException">The store cannot answer, or holds what cannot be read.</exception>
    Task<OnlineRead[][]> ReadAsync(
        IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken);

    /// <summary>Writes rows of one table, each row whole or not at all. Among rows of one key the rule decides as if they came one by one.</summary>
    /// <exception cref="FenceLostException">The write's fence does not stand: a later holder raised it, or the store was emptied. Rows written before stay.</exception>
    Task<OnlineWriteCounts> WriteAsync(
        OnlineTable table, IReadOnlyList<EncodedRow> rows, OnlineWrite write, CancellationToken cancellationToken);

    /// <summary>
    /// Raises the table's fence to <paramref name="fence"/> if it is greater than the one that stands, and gives the one that stands then. From that
    /// moment no holder of a lower one can write.
    /// </summary>
    Task<long> RaiseFenceAsync(OnlineTable table, long fence, CancellationToken cancellationToken);

    /// <summary>Marks that the table is whole: it holds all that its holder, and those before it, wrote. An emptied store has lost the mark.</summary>
    /// <exception cref="FenceLostException">The fence does not stand.</exception>
    Task MarkWholeAsync(OnlineTable table, long fence, CancellationToken cancellationToken);

    /// <summary>The fence and the mark of each table.</summary>
    Task<IReadOnlyList<OnlineFence>> FencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken);

    /// <summary>Takes the fences away, with the tables' last rows; who still writes under one is refused from then on.</summary>
    Task RemoveFencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken);

    /// <summary>
    /// Puts entities on record that are about to be written to a table and that the lake may never hold, so that
    /// <see cref="RecordedKeysAsync"/> finds them; lasts as long as the rows do. Safe to repeat. A store with a table per view needs no record and keeps none.
    /// </summary>
    Task RecordKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken);

    /// <summary>The entities on record of a table, in bounded batches. One may come twice; those recorded meanwhile may be missing.</summary>
    IAsyncEnumerable<IReadOnlyList<byte[]>> RecordedKeysAsync(OnlineTable table, CancellationToken cancellationToken);

    /// <summary>Takes entities off a table's record, once their rows are gone. Safe to repeat.</summary>
    Task ForgetKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken);

    /// <summary>
    /// Removes these entities' rows of these tables; rows of other tables and projects stay. Safe to repeat. The cost goes
    /// with the number of keys, so it is the way to remove a view whose keys the lake and the record know.
    /// </summary>
    Task RemoveRowsAsync(IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken);

    /// <summary>
    /// Removes the tables, their fences and their records, whichever entities they hold; safe to repeat. All tables share the join keys of
    /// <paramref name="keys"/>. A store whose tables share one key space looks at every key that it holds.
    /// </summary>
    Task RemoveTablesAsync(IReadOnlyList<OnlineTable> tables, EntityKeyShape keys, CancellationToken cancellationToken);
}
