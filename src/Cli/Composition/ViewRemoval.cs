using FeatureStore.Contract.Keys;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OnlineStore;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.Cli.Composition;

/// <summary>
/// Takes a removed view's rows out of the online store, at a cost that goes with that view: SQLite has a table for it, and
/// for Redis the lake knows its entities. Safe to repeat, and done before the registry forgets the view.
/// </summary>
internal sealed class ViewRemoval(Repo repo)
{
    private const int BatchRows = 1_000;

    private static readonly DateTimeOffset First = new(1, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <param name="fullScan">Look at every key of the store, which also finds entities that were pushed and never reached the lake.</param>
    /// <exception cref="UsageException">The lake does not have the view's table, and a full scan was not asked for.</exception>
    public async Task RunAsync(FeatureViewModel view, bool fullScan, CancellationToken cancellationToken)
    {
        await using var store = repo.OnlineStore();
        var table = repo.Table(view);
        if (fullScan || repo.Config.OnlineStore is SqliteOnlineStoreConfig)
        {
            await store.RemoveTablesAsync([table], new EntityKeyShape([.. view.JoinKeys.Select(k => k.Name)], repo.Config.EntityKeyVersion), cancellationToken);
            return;
        }

        if (WasWritten(view))
        {
            await RemoveByKeysAsync(store, table, view, cancellationToken);
        }
    }

    private bool WasWritten(FeatureViewModel view) => view.StreamSource is not null || repo.Registry().LatestEnd(repo.Config.Project, view.Name) is not null;

    private async Task RemoveByKeysAsync(IOnlineStore store, OnlineTable table, FeatureViewModel view, CancellationToken cancellationToken)
    {
        var reader = repo.FeatureReader();
        try
        {
            foreach (var batch in reader.Latest(view, Instant.Micros(First), Instant.Micros(DateTimeOffset.MaxValue), BatchRows, cancellationToken))
            {
                await store.RemoveRowsAsync([table], [.. batch.Select(r => r.EntityKey)], cancellationToken);
            }
        }
        catch (DeltaException e)
        {
            throw new UsageException($"The entities of the removed view {view.Name} cannot be read from the lake ({e.Message}); nothing was applied. Add --full-scan to look at every key of the online store instead.");
        }
    }
}
