using FeatureStore.Jobs.Materialize;
using FeatureStore.Jobs.Rebuild;
using FeatureStore.Jobs.Runs;
using FeatureStore.OnlineStore;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving;

namespace FeatureStore.Cli.Composition;

/// <summary>
/// Watches the online store beside a running server: says on standard error when a view's rows were lost and when they are back, has the server label its
/// answers meanwhile, and with jobs rebuilds them from the lake.
/// </summary>
internal sealed class StoreGuard(Repo repo, ServingRuntime runtime, IOnlineStore store, bool rebuilds, TimeProvider time)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private IReadOnlyList<string> _lost = [];

    /// <summary>Looks until it is told to stop.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // The first run may come while the server is up.
        RunFile? runs = null;
        RunHistory? History()
        {
            runs ??= File.Exists(repo.Config.RunsPath) ? RunFile.Open(repo.Config.RunsPath) : null;
            return runs is null ? null : new RunHistory(runs, time);
        }

        var watch = new Pipeline(repo).Watch(store, History);
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            do
            {
                await LookAsync(watch, cancellationToken);
            }
            while (await timer.WaitForNextTickAsync(cancellationToken));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        finally
        {
            runs?.Dispose();
        }
    }

    private IEnumerable<FeatureViewModel> Views() => runtime.Plans.Snapshot.FeatureViews.Values.Where(v => v.Online);

    private async Task LookAsync(StoreWatch watch, CancellationToken cancellationToken)
    {
        try
        {
            Tell(await watch.LostAsync([.. Views().Select(repo.Table)], cancellationToken));
            if (rebuilds && _lost.Count > 0)
            {
                await RebuildAsync(cancellationToken);
            }
        }
        catch (Exception e) when (e is OnlineStoreException or JobBusyException or FenceLostException)
        {
            // A store that does not answer is told to each caller; what another run holds, or a lost store lost again, is looked at again.
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever it is, a watch that ended without a word would pass for a store that is whole.
            await Console.Error.WriteLineAsync($"fstore: the watch over the online store could not look, or not rebuild: {e.Message}");
        }
    }

    private void Tell(IReadOnlyList<string> lost)
    {
        runtime.Lost.Set(lost);
        foreach (var view in lost.Except(_lost))
        {
            Console.Error.WriteLine(
                $"fstore: the online store lost the rows of {view}: it was emptied, or thrown back to before the last run. {(rebuilds ? "They are rebuilt from the lake now." : "Run 'fstore rebuild'; until then its entities are not found.")}");
        }

        foreach (var view in _lost.Except(lost))
        {
            Console.Error.WriteLine($"fstore: the rows of {view} are back in the online store.");
        }

        _lost = lost;
    }

    private async Task RebuildAsync(CancellationToken cancellationToken)
    {
        foreach (var view in Views().Where(v => _lost.Contains(v.OnlineName)).ToArray())
        {
            await new Pipeline(repo).RebuildAsync(view, null, cancellationToken);
        }
    }
}
