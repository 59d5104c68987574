using FeatureStore.Registry.Snapshot;
using FeatureStore.Registry.Validation;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FeatureStore.Serving.Hosting;

/// <summary>Where the registry comes from while the server runs.</summary>
/// <param name="Revision">Cheap to ask, and another text whenever the registry was written: a file's time and size.</param>
/// <param name="Load">Reads and compiles the registry.</param>
/// <param name="Period">How often to look; not positive for never.</param>
public sealed record SnapshotSource(Func<string> Revision, Func<RegistrySnapshot> Load, TimeSpan Period)
{
    /// <summary>A registry file, told apart by its time of writing and size.</summary>
    public static SnapshotSource OfFile(string path, Func<RegistrySnapshot> load, TimeSpan period) => new(
        () =>
        {
            var file = new FileInfo(path);
            return file.Exists ? FormattableString.Invariant($"{file.LastWriteTimeUtc.Ticks} {file.Length}") : "absent";
        },
        load,
        period);
}

/// <summary>Takes up a changed registry. One that cannot be read leaves the last good one in service, and the log says so.</summary>
public sealed partial class SnapshotRefresh(ServingRuntime runtime, SnapshotSource source, ILogger<SnapshotRefresh> log) : BackgroundService
{
    private string _revision = source.Revision();

    /// <summary>Looks once; true when a new snapshot was taken up.</summary>
    public bool Check()
    {
        try
        {
            var revision = source.Revision();
            if (revision == _revision)
            {
                return false;
            }

            // Read before the snapshot: what is written in between is seen as another change the next time.
            runtime.Replace(source.Load());
            _revision = revision;
            TakenUp(log, runtime.Plans.Snapshot.FeatureViews.Count, runtime.Plans.Snapshot.FeatureServices.Count);
            return true;
        }
        catch (Exception e) when (e is RegistryException or IOException or UnauthorizedAccessException)
        {
            Kept(log, e);
            return false;
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (source.Period <= TimeSpan.Zero)
        {
            return;
        }

        using var timer = new PeriodicTimer(source.Period, runtime.Time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            Check();
        }
    }

    [LoggerMessage(20, LogLevel.Information, "The registry has changed: {Views} feature views and {Services} feature services are served now.")]
    private static partial void TakenUp(ILogger logger, int views, int services);

    [LoggerMessage(21, LogLevel.Warning, "The registry has changed and cannot be read; the last good one stays in service. Run 'fstore apply' to write it again.")]
    private static partial void Kept(ILogger logger, Exception cause);
}
