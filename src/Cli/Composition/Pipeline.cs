using FeatureStore.Cli.Output;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Import;
using FeatureStore.Jobs.Materialize;
using FeatureStore.Jobs.Parity;
using FeatureStore.Jobs.Runs;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.Cli.Composition;

/// <summary>The steps from a file to the online store, each joining two rooms; verbs and the demo run the same ones.</summary>
internal sealed class Pipeline(Repo repo)
{
    private const int OnlineBatchRows = 1_000;
    private const int TimesPerCompute = 13;

    public ImportResult Import(
        ImportMapping mapping, string path, KnownAt knownAt, ImportShift shift, IProgress<Amount>? progress, CancellationToken cancellationToken)
    {
        using var log = EmbeddedChangeLog.Open(repo.Config.LogPath);
        return new Importer(log, TimeProvider.System) { Progress = Counted(progress, "rows") }.Run(mapping, path, knownAt, shift, cancellationToken);
    }

    public GenerateResult Generate(GenerateOptions options, IProgress<Amount>? progress, CancellationToken cancellationToken)
    {
        using var log = EmbeddedChangeLog.Open(repo.Config.LogPath);
        return new SyntheticFeed(log, TimeProvider.System).Run(options, Counted(progress, "events"), cancellationToken);
    }

    /// <summary>Lands every topic of the change log in its change table.</summary>
    public IngestOutcome Ingest(IProgress<Amount>? progress, CancellationToken cancellationToken)
    {
        using var ingest = LogIngest.Open(repo);
        return ingest.Run((done, before, waiting) => Counted(progress, "rows", before, waiting)?.Report(done), cancellationToken);
    }

    /// <summary>Computes every aggregated view as of the given times, some at a time so that progress can be told.</summary>
    public long Compute(RegistrySnapshot snapshot, IReadOnlyList<long> asOfMicros, IProgress<Amount>? progress, CancellationToken cancellationToken)
    {
        var weekly = new WeeklyFeatures(repo.Config.LakePath, LakeOptions.Read(repo.Config));
        var views = snapshot.FeatureViews.Values.Where(v => v.Aggregated is not null).ToArray();
        long rows = 0;
        long done = 0;
        foreach (var view in views)
        {
            foreach (var times in asOfMicros.Chunk(TimesPerCompute))
            {
                rows += weekly.Compute(view, times, cancellationToken).RowsWritten;
                done += times.Length;
                progress?.Report(new Amount(done, (long)asOfMicros.Count * views.Length, "times"));
            }
        }

        return rows;
    }

    /// <summary>Brings every aggregated view up to what arrived, by computing what it touched.</summary>
    public IEnumerable<(string View, TouchedResult Result)> ComputeTouched(RegistrySnapshot snapshot, CancellationToken cancellationToken)
    {
        var weekly = new WeeklyFeatures(repo.Config.LakePath, LakeOptions.Read(repo.Config));
        return snapshot.FeatureViews.Values.Where(v => v.Aggregated is not null).Select(v => (v.Name, weekly.ComputeTouched(v, cancellationToken)));
    }

    /// <summary>Materialises one view and then, and only then, notes the range in the registry.</summary>
    /// <param name="isIncremental">Takes the entities with rows that came since the last run too, whatever their event time.</param>
    public async Task<MaterializeCounts> MaterializeAsync(
        FeatureViewModel view, MaterializeRange range, bool isIncremental, IProgress<Amount>? progress, CancellationToken cancellationToken)
    {
        await using var store = repo.PrecomputingStore();
        using var runs = RunFile.Open(repo.Config.RunsPath);
        var history = new RunHistory(runs, TimeProvider.System);
        var reader = repo.FeatureReader();
        var version = reader.TableVersion(view, cancellationToken);
        var rows = isIncremental && history.LastDone(MaterializeJob.Kind, repo.Config.Project, view.OnlineName)?.TableVersion is { } since
            ? reader.LatestOrChanged(view, Instant.Micros(range.Start), Instant.Micros(range.End), since, OnlineBatchRows, cancellationToken)
            : Latest(view, range.Start, range.End, cancellationToken);
        return await new MaterializeJob(store, new Leases(runs, TimeProvider.System, MaterializeJob.LeaseDuration), history).RunAsync(
            repo.Table(view),
            range,
            rows,
            version,
            () => repo.Registry().RecordInterval(repo.Config.Project, view.Name, range.Start, range.End, cancellationToken),
            Counted(progress, "entities"),
            cancellationToken);
    }

    /// <summary>Compares a view's whole population with the newest rows up to its last materialised end; null if it never was.</summary>
    public async Task<ParityReport?> VerifyAsync(FeatureViewModel view, CancellationToken cancellationToken)
    {
        if (repo.Registry().LatestEnd(repo.Config.Project, view.Name) is not { } end)
        {
            return null;
        }

        await using var store = repo.OnlineStore();
        return await new ParityCheck(store).RunAsync(
            repo.Table(view), Latest(view, DateTimeOffset.UnixEpoch, end, cancellationToken), cancellationToken);
    }

    /// <summary>Views that are served and whose table is in the lake.</summary>
    public IReadOnlyList<FeatureViewModel> Materializable(RegistrySnapshot snapshot) =>
        [.. snapshot.FeatureViews.Values.Where(v => v.Online && Path.Exists(Path.Combine(repo.Config.LakePath, v.Source.Path)))];

    private IEnumerable<IReadOnlyList<Contract.Rows.EncodedRow>> Latest(
        FeatureViewModel view, DateTimeOffset start, DateTimeOffset end, CancellationToken cancellationToken) =>
        repo.FeatureReader()
            .Latest(view, Instant.Micros(start), Instant.Micros(end), OnlineBatchRows, cancellationToken);

    private static Forward? Counted(IProgress<Amount>? progress, string unit, long before = 0, long? total = null) =>
        progress is null ? null : new Forward(count => progress.Report(new Amount(before + count, total, unit)));

    private sealed class Forward(Action<long> report) : IProgress<long>
    {
        public void Report(long value) => report(value);
    }
}
