using FeatureStore.Serving;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FeatureStore.Scoring.Online;

/// <summary>Takes up versions that are made live while the server runs. One that cannot be used leaves the old one scoring, and the log says so once.</summary>
internal sealed partial class ModelRefresh(ServingRuntime runtime, LiveModels models, ILogger<ModelRefresh> log) : BackgroundService
{
    // A look costs a file's times per model.
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The first look is made before the server listens; the server says what it found.
        using var timer = new PeriodicTimer(Period, runtime.Time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var change in models.Refresh())
            {
                Tell(log, change);
            }
        }
    }

    public static void Tell(ILogger log, ModelChange change)
    {
        if (change.Refusal is { } refusal)
        {
            Kept(log, change.Name, change.Version ?? "none", refusal);
        }
        else
        {
            TakenUp(log, change.Name, change.Version!);
        }
    }

    [LoggerMessage(30, LogLevel.Information, "Model {Model}: version {Version} scores now.")]
    private static partial void TakenUp(ILogger logger, string model, string version);

    [LoggerMessage(31, LogLevel.Warning, "Model {Model}: its live version cannot be used, and version {Version} goes on scoring. {Refusal}")]
    private static partial void Kept(ILogger logger, string model, string version, string refusal);
}
