using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;

namespace FeatureStore.OnlineStore;

/// <summary>A feature view as the store sees it: the project, the view's real name, and its feature names.</summary>
/// <param name="Project">Feast project.</param>
/// <param name="View">The name that the view is stored under: its own and, where versions lie apart, its version's; never a projection's alias.</param>
/// <param name="Features">Feature names; the order of values in rows and replies.</param>
public sealed record OnlineTable(string Project, string View, IReadOnlyList<string> Features);

/// <summary>
/// What happens to a row whose event time equals the stored one. An older row loses under both rules; a stored time at or
/// before 1970-01-01T00:00:00Z counts as none, as in Feast.
/// </summary>
public enum OnlineWriteRule
{
    /// <summary>Feast's rule for pushes and foreign writers: an older or equal event time loses.</summary>
    NewerWins,

    /// <summary>Our materialise, which already picked the newest (event, created): only an older event time loses.</summary>
    NewerOrEqualWins,
}

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
    Task<OnlineWriteCounts> WriteAsync(
        OnlineTable table, IReadOnlyList<EncodedRow> rows, OnlineWriteRule rule, CancellationToken cancellationToken);

    /// <summary>
    /// Removes these entities' rows of these tables; rows of other tables and projects stay. Safe to repeat. The cost goes
    /// with the number of keys, so it is the way to remove a view whose keys the lake knows.
    /// </summary>
    Task RemoveRowsAsync(IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken);

    /// <summary>
    /// Removes the tables, whichever entities they hold; safe to repeat. All tables share the join keys of
    /// <paramref name="keys"/>. A store whose tables share one key space looks at every key that it holds.
    /// </summary>
    Task RemoveTablesAsync(IReadOnlyList<OnlineTable> tables, EntityKeyShape keys, CancellationToken cancellationToken);
}
