using FeatureStore.OnlineStore;

namespace FeatureStore.Jobs.Rebuild;

/// <summary>
/// Sees whether the online store still holds what materialise left in it, by the mark that each run leaves. A flushed store has none; one that a failover
/// threw back has that of an earlier run; one that is being filled again gets it at the end. Not for concurrent use.
/// </summary>
/// <param name="lastFence">The fence of a view's last run that ended well, if the history at hand knows one.</param>
/// <param name="isMaterialized">Whether the registry says that a view has been materialised; asked only about a view whose mark is missed.</param>
public sealed class StoreWatch(IOnlineStore online, Func<string, long?> lastFence, Func<string, bool> isMaterialized)
{
    // Without a history, as on another machine than the jobs', what was once seen must not go away either.
    private readonly Dictionary<string, long> _seen = new(StringComparer.Ordinal);

    /// <summary>The views whose rows are gone.</summary>
    /// <exception cref="OnlineStoreException">The store does not answer, so nothing is known.</exception>
    public async Task<IReadOnlyList<string>> LostAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tables);
        var lost = new List<string>();
        var fences = await online.FencesAsync(tables, cancellationToken);
        for (var t = 0; t < tables.Count; t++)
        {
            var view = tables[t].View;
            var expected = Math.Max(lastFence(view) ?? 0, _seen.GetValueOrDefault(view));
            if ((fences[t].Whole ?? 0) >= expected)
            {
                _seen[view] = fences[t].Whole ?? 0;
            }
            else if (isMaterialized(view))
            {
                lost.Add(view);
            }
            else
            {
                // Removed by 'apply' or 'teardown', which take its intervals away too.
                _seen.Remove(view);
            }
        }

        return lost;
    }
}
