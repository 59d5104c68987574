using FeatureStore.Contract.Keys;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OnlineStore;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Writing;

namespace FeatureStore.Cli.Composition;

/// <summary>
/// Takes rows of removed views, and vectors of removed services, out of the online store. A view's cost goes with its own
/// size: SQLite has a table for it, and for Redis the lake and the record of pushes know its entities. Safe to repeat, and
/// done before the registry forgets what it removes.
/// </summary>
internal sealed class OnlineRemoval(Repo repo)
{
    private const int BatchRows = 1_000;

    private static readonly DateTimeOffset First = new(1, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly RegistrySnapshot _snapshot = repo.SnapshotOfAllVersions();

    /// <summary>Removes a view's rows, those of all its versions.</summary>
    /// <param name="fullScan">Look at every key of the store, which also finds entities that others pushed.</param>
    /// <exception cref="UsageException">The lake cannot tell the view's entities, and a full scan was not asked for; or the settings forbid one.</exception>
    public async Task RemoveViewAsync(string view, bool fullScan, CancellationToken cancellationToken)
    {
        var (versions, tables) = (Versions(view), Tables(view));
        await using var store = repo.OnlineStore();
        if (await RemovedWholeAsync(store, versions, tables, fullScan, cancellationToken))
        {
            return;
        }

        // First, so that a run of materialise that is under way writes nothing behind the removal.
        await store.RemoveFencesAsync(tables, cancellationToken);
        await RemoveByLakeAsync(store, versions, tables, cancellationToken);
        await RemoveRecordedAsync(store, tables, cancellationToken);
    }

    /// <summary>Removes what was pushed to a view since its rows were removed.</summary>
    public async Task RemoveRecordedAsync(string view, CancellationToken cancellationToken)
    {
        await using var store = repo.OnlineStore();
        await RemoveRecordedAsync(store, Tables(view), cancellationToken);
    }

    /// <summary>Removes the vectors of a service with <c>precompute_online</c>; the rows and records of its views stay.</summary>
    /// <inheritdoc cref="RemoveViewAsync"/>
    public async Task RemoveServiceAsync(string service, bool fullScan, CancellationToken cancellationToken)
    {
        string[] views = [.. _snapshot.FeatureServices[service].Projections.Select(p => p.ViewName).Where(_snapshot.FeatureViews.ContainsKey).Distinct()];
        OnlineTable[] vectors = [VectorStore.VectorsOf(repo.Config.Project, service)];
        await using var store = repo.OnlineStore();
        if (await RemovedWholeAsync(store, [.. views.SelectMany(Versions)], vectors, fullScan, cancellationToken))
        {
            return;
        }

        foreach (var view in views)
        {
            await RemoveByLakeAsync(store, Versions(view), vectors, cancellationToken);
            foreach (var table in Tables(view))
            {
                await foreach (var keys in store.RecordedKeysAsync(table, cancellationToken))
                {
                    await store.RemoveRowsAsync(vectors, keys, cancellationToken);
                }
            }
        }
    }

    /// <summary>Removes all that the project has in the store, looking at every key of it; answers the views.</summary>
    public async Task<IReadOnlyList<string>> RemoveProjectAsync(CancellationToken cancellationToken)
    {
        await using var store = repo.OnlineStore();
        var stored = _snapshot.FeatureViews.Keys.Select(v => (Versions: Versions(v), Tables: Tables(v)))
            .Concat(_snapshot.FeatureServices.Values.Where(s => s.PrecomputeOnline).Select(s => (
                Versions: (IReadOnlyList<FeatureViewModel>)[.. s.Projections.Where(p => _snapshot.FeatureViews.ContainsKey(p.ViewName)).SelectMany(p => Versions(p.ViewName))],
                Tables: (IReadOnlyList<OnlineTable>)[VectorStore.VectorsOf(repo.Config.Project, s.Name)])))
            .Concat(_snapshot.OnDemandFeatureViews.Values.Where(v => v.Stored is not null).Select(v => (
                Versions: (IReadOnlyList<FeatureViewModel>)[v.Stored!], Tables: (IReadOnlyList<OnlineTable>)[repo.Table(v.Stored!)])));
        var byKeys = stored.SelectMany(s => s.Versions.Select(v => (Keys: KeysOf(v), Model: v, s.Tables)));
        foreach (var group in byKeys.GroupBy(s => s.Keys))
        {
            await store.RemoveTablesAsync([.. group.SelectMany(s => s.Tables).DistinctBy(t => t.View)], Shape(group.First().Model), cancellationToken);
        }

        return [.. _snapshot.FeatureViews.Keys.Concat(_snapshot.OnDemandFeatureViews.Values.Where(v => v.Stored is not null).Select(v => v.Name))];
    }

    /// <summary>Removes tables without knowing their entities, where that is cheap or asked for.</summary>
    private async Task<bool> RemovedWholeAsync(
        IOnlineStore store, IReadOnlyList<FeatureViewModel> versions, IReadOnlyList<OnlineTable> tables, bool fullScan, CancellationToken cancellationToken)
    {
        if (repo.Config.OnlineStore is RedisOnlineStoreConfig { FullScanForDeletion: false } && fullScan)
        {
            throw new UsageException("--full-scan looks at every key of the online store, and full_scan_for_deletion is false in feature_store.yaml; leave one of them out.");
        }

        if (!fullScan && repo.Config.OnlineStore is not SqliteOnlineStoreConfig)
        {
            return false;
        }

        foreach (var version in versions.DistinctBy(KeysOf))
        {
            await store.RemoveTablesAsync(tables, Shape(version), cancellationToken);
        }

        return true;
    }

    private static async Task RemoveRecordedAsync(IOnlineStore store, IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken)
    {
        foreach (var table in tables)
        {
            await foreach (var keys in store.RecordedKeysAsync(table, cancellationToken))
            {
                await store.RemoveRowsAsync(tables, keys, cancellationToken);
                await store.ForgetKeysAsync(table, keys, cancellationToken);
            }
        }
    }

    private async Task RemoveByLakeAsync(
        IOnlineStore store, IReadOnlyList<FeatureViewModel> versions, IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken)
    {
        // What was never materialized is in the lake only if pushes were landed there.
        var view = versions[0];
        if (repo.Registry().LatestEnd(repo.Config.Project, view.Name) is null
            && (view.StreamSource is null || !repo.Lake.Below(view.Source.Path).Exists))
        {
            return;
        }

        var reader = repo.FeatureReader();
        try
        {
            foreach (var version in versions.DistinctBy(v => (v.Source.Path, KeysOf(v))))
            {
                foreach (var batch in reader.Latest(version with { Features = [] }, Instant.Micros(First), Instant.Micros(DateTimeOffset.MaxValue), BatchRows, cancellationToken))
                {
                    await store.RemoveRowsAsync(tables, [.. batch.Select(r => r.EntityKey)], cancellationToken);
                }
            }
        }
        catch (DeltaException e)
        {
            throw new UsageException($"The entities of {view.Name} cannot be read from the lake ({e.Message}); nothing was applied. Add --full-scan to look at every key of the online store instead.");
        }
    }

    /// <summary>The view as it is, and as each of its versions was.</summary>
    private IReadOnlyList<FeatureViewModel> Versions(string view) =>
        [_snapshot.FeatureViews[view], .. _snapshot.FeatureViewVersions.Where(v => v.Key.View == view).OrderBy(v => v.Key.Version).Select(v => v.Value)];

    /// <summary>
    /// Every name that the view's rows may lie under, with every feature that it ever had: without versions apart, rows of an
    /// older schema lie under the plain name. A name that is another view's is left out.
    /// </summary>
    private IReadOnlyList<OnlineTable> Tables(string view)
    {
        var versions = Versions(view);
        string[] features = [.. versions.SelectMany(v => v.Features).Select(f => f.Name).Distinct()];
        return
        [
            .. versions.Select(v => v.OnlineName).Prepend(view).Distinct()
                .Where(n => n == view || !(_snapshot.FeatureViews.ContainsKey(n) || _snapshot.OnDemandFeatureViews.ContainsKey(n)))
                .Select(n => new OnlineTable(repo.Config.Project, n, features)),
        ];
    }

    private static string KeysOf(FeatureViewModel view) => string.Join('\n', view.JoinKeys.Select(k => k.Name).Order(StringComparer.Ordinal));

    private EntityKeyShape Shape(FeatureViewModel view) => new([.. view.JoinKeys.Select(k => k.Name)], repo.Config.EntityKeyVersion);
}
