using FeatureStore.Registry.Snapshot;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using FeatureViewState = Feast.Core.FeatureViewState;

namespace FeatureStore.Serving.Writing;

/// <summary>The materializations that this server runs: which views they write, and those that nobody waits for. Safe for concurrent use.</summary>
internal sealed partial class MaterializationRuns(ILogger<MaterializationRuns> log) : IHostedService
{
    private const int UnawaitedMax = 16;

    private readonly Lock _lock = new();
    // Without a timer it holds nothing to dispose of, and a server may be stopped twice.
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<string, int> _runsOfView = [];
    private readonly HashSet<Task> _unawaited = [];

    /// <summary>Runs to the end, whatever else writes the views.</summary>
    public async Task RunAsync(IReadOnlyList<FeatureViewModel> views, Func<CancellationToken, Task> run, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            Count(views, 1);
        }

        try
        {
            await run(cancellationToken);
        }
        finally
        {
            lock (_lock)
            {
                Count(views, -1);
            }
        }
    }

    /// <summary>Starts a run that ends by itself, or with the server.</summary>
    /// <param name="force">Starts it beside others that write the same views.</param>
    /// <returns>The views that keep it from starting; none when it has started.</returns>
    public IReadOnlyList<string> Start(IReadOnlyList<FeatureViewModel> views, bool force, Func<CancellationToken, Task> run)
    {
        lock (_lock)
        {
            // Forced or not, there are never more than so many, and none after the server was told to stop.
            string[] busy = _unawaited.Count >= UnawaitedMax || _stopping.IsCancellationRequested ? [.. views.Select(v => v.Name)]
                : force ? []
                : [.. views.Where(v => v.State == FeatureViewState.Materializing || _runsOfView.ContainsKey(v.Name)).Select(v => v.Name)];
            if (busy.Length == 0)
            {
                Count(views, 1);
                Keep(Task.Run(() => LoggedAsync(views, run), CancellationToken.None), views);
            }

            return busy;
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Ends the runs; what they have written stays, and the next run goes on from there.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        Task[] running;
        lock (_lock)
        {
            running = [.. _unawaited];
        }

        await Task.WhenAll(running).WaitAsync(cancellationToken);
    }

    [LoggerMessage(LogLevel.Error, "The materialization of {Views}, which was started without waiting for it, failed; start it again, it is safe to repeat.")]
    private static partial void Failed(ILogger log, string views, Exception fault);

    private void Keep(Task run, IReadOnlyList<FeatureViewModel> views)
    {
        _unawaited.Add(run);
        _ = run.ContinueWith(
            ended =>
            {
                lock (_lock)
                {
                    Count(views, -1);
                    _unawaited.Remove(ended);
                }
            },
            CancellationToken.None,
            TaskContinuationOptions.None,
            TaskScheduler.Default);
    }

    private async Task LoggedAsync(IReadOnlyList<FeatureViewModel> views, Func<CancellationToken, Task> run)
    {
        try
        {
            await run(_stopping.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The server stops.
        }
        catch (Exception e)
        {
            Failed(log, string.Join(", ", views.Select(v => v.Name)), e);
        }
    }

    private void Count(IReadOnlyList<FeatureViewModel> views, int change)
    {
        foreach (var view in views)
        {
            var runs = _runsOfView.GetValueOrDefault(view.Name) + change;
            if (runs == 0)
            {
                _runsOfView.Remove(view.Name);
            }
            else
            {
                _runsOfView[view.Name] = runs;
            }
        }
    }
}
