using FeatureStore.Jobs.Materialize;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Retrieval;
using FeatureStore.Serving.Writing;

namespace FeatureStore.Cli.Composition;

/// <summary>Materializations that a running server is asked for over HTTP, one at a time; the engine is loaded with the first.</summary>
internal sealed class LakeMaterializer(Repo repo, TimeProvider time) : IMaterializer, IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <inheritdoc/>
    public Task MaterializeAsync(IReadOnlyList<FeatureViewModel> views, DateTimeOffset start, DateTimeOffset end, CancellationToken cancellationToken) =>
        RunAsync(views, _ => MaterializeRange.Between(start, end, time.GetUtcNow()), isIncremental: false, cancellationToken);

    /// <inheritdoc/>
    public Task MaterializeIncrementalAsync(IReadOnlyList<FeatureViewModel> views, DateTimeOffset end, CancellationToken cancellationToken) => RunAsync(
        views,
        view => MaterializeRange.Incremental(repo.Registry().LatestEnd(repo.Config.Project, view.Name), view.Ttl, end, time.GetUtcNow()),
        isIncremental: true,
        cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    private async Task RunAsync(IReadOnlyList<FeatureViewModel> views, Func<FeatureViewModel, MaterializeRange> range, bool isIncremental, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            foreach (var view in views)
            {
                await new Pipeline(repo).MaterializeAsync(view, range(view), isIncremental, null, cancellationToken);
            }
        }
        catch (MaterializeRangeException e)
        {
            throw new RetrievalException(RetrievalFault.Invalid, e.Message);
        }
        catch (JobBusyException e)
        {
            throw new RetrievalException(RetrievalFault.NotServed, e.Message);
        }
        catch (DeltaException e)
        {
            // The message names places of this machine, which are nothing for a caller.
            await Console.Error.WriteLineAsync($"fstore: {e.Message}");
            throw new RetrievalException(RetrievalFault.Invalid, "A view's table cannot be read; the server's log says why.");
        }
        finally
        {
            _turn.Release();
        }
    }
}
