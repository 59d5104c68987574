using FeatureStore.Cli.Output;
using FeatureStore.Contract.Rows;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Import;
using FeatureStore.Jobs.Materialize;
using FeatureStore.Jobs.Parity;
using FeatureStore.Jobs.Rebuild;
using FeatureStore.Jobs.Runs;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OnlineStore;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.Cli.Composition;

/// <summary>The steps from a file to the online store, each joining two rooms; verbs and the demo run the same ones.</summary>
internal sealed class Pipeline(Repo repo)
{
    private const int OnlineBatchRowsDefault = 1_000;

    // What Feast writes at once by default is everything; a batch here lies in memory twice.
    private const int OnlineBatchRowsMax = 10_000;
    private const int TimesPerCompute = 13;

    private int OnlineBatchRows => Math.Min(repo.Config.Materialization.OnlineWriteBatchSize ?? OnlineBatchRowsDefault, OnlineBatchRowsMax);

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
        var weekly = new WeeklyFeatures(repo.Lake, LakeOptions.Read(repo.Config));
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
        var weekly = new WeeklyFeatures(repo.Lake, LakeOptions.Read(repo.Config));
        return snapshot.FeatureViews.Values.Where(v => v.Aggregated is not null).Select(v => (v.Name, weekly.ComputeTouched(v, cancellationToken)));
    }

    /// <summary>
    /// Materialises one view and then, and only then, notes the range in the registry. A store that lost the view's rows since the last run gets them all
    /// again, whatever range is asked for, as it would pass for whole otherwise.
    /// </summary>
    /// <param name="isIncremental">Takes the entities with rows that came since the last run too, whatever their event time.</param>
    public async Task<MaterializeCounts> MaterializeAsync(
        FeatureViewModel view, MaterializeRange range, bool isIncremental, IProgress<Amount>? progress, CancellationToken cancellationToken)
    {
        var reader = repo.FeatureReader();
        return await MaterializeAsync(
            view,
            (history, isLost) =>
            {
                var version = reader.TableVersion(view, cancellationToken);
                var rows = isLost ? Latest(view, DateTimeOffset.UnixEpoch, Later(range.End, repo.Registry().LatestEnd(repo.Config.Project, view.Name)), cancellationToken)
                    : isIncremental && history.LastDone(MaterializeJob.Kind, repo.Config.Project, view.OnlineName)?.TableVersion is { } since
                    ? reader.LatestOrChanged(view, Instant.Micros(range.Start), Instant.Micros(range.End), since, OnlineBatchRows, cancellationToken)
                    : Latest(view, range.Start, range.End, cancellationToken);
                return new MaterializeInput(range, rows, version);
            },
            isNoted: true,
            progress,
            cancellationToken);
    }

    /// <summary>
    /// Puts corrected history into the store: of each entity with a row added to the lake after <paramref name="sinceVersion"/>, the newest row up to
    /// the range's end, if it lies in the range, in place of whatever is stored, however new that is. The registry's intervals stay.
    /// </summary>
    public Task<MaterializeCounts> OverwriteAsync(
        FeatureViewModel view, MaterializeRange range, long sinceVersion, IProgress<Amount>? progress, CancellationToken cancellationToken)
    {
        var reader = repo.FeatureReader();
        var version = reader.TableVersion(view, cancellationToken)
            ?? throw new UsageException($"{view.Name} reads plain Parquet, which has no versions; --overwrite-from-version needs a Delta table.");
        if (sinceVersion < 0 || sinceVersion > version)
        {
            throw new UsageException($"--overwrite-from-version {sinceVersion}: the table of {view.Name} has the versions 0 to {version}.");
        }

        // No event time lies in a range that begins after its end, so just the entities with added rows are taken.
        var rows = reader.LatestOrChanged(view, Instant.Micros(range.End) + 1, Instant.Micros(range.End), sinceVersion, OnlineBatchRows, cancellationToken)
            .Select(batch => (IReadOnlyList<EncodedRow>)[.. batch.Where(r => r.EventTimeMicros >= Instant.Micros(range.Start))]);
        return MaterializeAsync(
            view,
            (history, isLost) =>
            {
                if (isLost)
                {
                    throw new UsageException($"The online store lost the rows of {view.Name}; run 'fstore rebuild' first, which takes corrections too.");
                }

                // What came between the last run's version and this one's start is still to be taken by the next incremental run.
                var last = history.LastDone(MaterializeJob.Kind, repo.Config.Project, view.OnlineName)?.TableVersion;
                return new MaterializeInput(range, rows, last >= sinceVersion ? version : last, OnlineWriteRule.Replaces);
            },
            isNoted: false,
            progress,
            cancellationToken);
    }

    /// <summary>
    /// Puts back what an emptied store held: of each entity the newest row up to the last materialised end, as <see cref="VerifyAsync"/> compares it.
    /// The registry's intervals stay. Null if the view was never materialised.
    /// </summary>
    public async Task<MaterializeCounts?> RebuildAsync(FeatureViewModel view, IProgress<Amount>? progress, CancellationToken cancellationToken)
    {
        if (repo.Registry().LatestEnd(repo.Config.Project, view.Name) is not { } end)
        {
            return null;
        }

        var range = MaterializeRange.Between(DateTimeOffset.UnixEpoch, end, TimeProvider.System.GetUtcNow());
        var version = repo.FeatureReader().TableVersion(view, cancellationToken);
        return await MaterializeAsync(
            view, (_, _) => new MaterializeInput(range, Latest(view, range.Start, range.End, cancellationToken), version), isNoted: false, progress, cancellationToken);
    }

    private async Task<MaterializeCounts> MaterializeAsync(
        FeatureViewModel view, Func<RunHistory, bool, MaterializeInput> input, bool isNoted, IProgress<Amount>? progress, CancellationToken cancellationToken)
    {
        await using var store = repo.PrecomputingStore();
        using var runs = RunFile.Open(repo.Config.RunsPath);
        var history = new RunHistory(runs, TimeProvider.System);
        var given = input(history, await IsLostAsync(store, history, view, cancellationToken));

        // As many as last time is the best guess before the rows were sorted.
        var before = history.LastDone(MaterializeJob.Kind, repo.Config.Project, view.OnlineName)?.RowsRead;
        return await new MaterializeJob(store, new Leases(runs, TimeProvider.System, MaterializeJob.LeaseDuration), history, TimeProvider.System).RunAsync(
            repo.Table(view),
            given,
            () =>
            {
                if (isNoted)
                {
                    repo.Registry().RecordInterval(repo.Config.Project, view.Name, given.Range.Start, given.Range.End, cancellationToken);
                }
            },
            Counted(progress, "entities", total: before > 0 ? before : null),
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
        [.. snapshot.FeatureViews.Values.Where(v => v.Online && repo.Lake.Below(v.Source.Path).Exists)];

    private async Task<bool> IsLostAsync(IOnlineStore store, RunHistory history, FeatureViewModel view, CancellationToken cancellationToken)
    {
        var table = repo.Table(view);
        await store.EnsureTablesAsync([table], cancellationToken);
        return (await Watch(store, () => history).LostAsync([table], cancellationToken)).Count > 0;
    }

    /// <summary>Sees whether the store still holds what runs left in it.</summary>
    /// <param name="history">Gives null where no run was made from yet.</param>
    public StoreWatch Watch(IOnlineStore store, Func<RunHistory?> history) => new(
        store,
        view => history()?.LastDone(MaterializeJob.Kind, repo.Config.Project, view)?.Fence,
        view => repo.Snapshot().FeatureViews.Values.Any(v => v.OnlineName == view && repo.Registry().LatestEnd(repo.Config.Project, v.Name) is not null));

    private static DateTimeOffset Later(DateTimeOffset time, DateTimeOffset? other) => other > time ? other.Value : time;

    private IEnumerable<IReadOnlyList<EncodedRow>> Latest(
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
