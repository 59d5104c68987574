using FeatureStore.Ingest;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Import;
using FeatureStore.Jobs.Materialize;
using FeatureStore.Jobs.Parity;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.Cli.Composition;

/// <summary>The steps from a file to the online store, each joining two rooms; verbs and the demo run the same ones.</summary>
internal sealed class Pipeline(Repo repo)
{
    private const int IngestBatchRows = 10_000;
    private const int OnlineBatchRows = 1_000;
    private const int TimesPerCompute = 13;
    private const string TransactionsTable = "cdc/transactions";

    public ImportResult ImportTransactions(string path, KnownAt knownAt, ImportShift shift, CancellationToken cancellationToken)
    {
        using var log = EmbeddedChangeLog.Open(repo.Config.LogPath);
        return new Importer(log, TimeProvider.System).Run(ImportMapping.BerkaTransactions, path, knownAt, shift, cancellationToken);
    }

    public IngestResult Ingest(IProgress<long>? progress, CancellationToken cancellationToken)
    {
        using var log = EmbeddedChangeLog.Open(repo.Config.LogPath);
        var table = ImportTable.Transactions;
        var lake = ChangeTable.Open(repo.Config.LakePath, TransactionsTable, table.Columns);
        return new IngestRunner(log, log.Topic(table.Topic), table.Columns, lake, "user_id", table.TimeColumn)
            .Run(IngestBatchRows, progress, cancellationToken);
    }

    /// <summary>Computes every aggregated view as of the given times, some at a time so that progress can be told.</summary>
    public long Compute(RegistrySnapshot snapshot, IReadOnlyList<long> asOfMicros, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var weekly = new WeeklyFeatures(repo.Config.LakePath);
        long rows = 0;
        foreach (var view in snapshot.FeatureViews.Values.Where(v => v.Aggregated is not null))
        {
            foreach (var times in asOfMicros.Chunk(TimesPerCompute))
            {
                rows += weekly.Compute(view, times, cancellationToken).RowsWritten;
                progress?.Report(rows);
            }
        }

        return rows;
    }

    /// <summary>Materialises one view and then, and only then, notes the range in the registry.</summary>
    public async Task<MaterializeCounts> MaterializeAsync(
        FeatureViewModel view, MaterializeRange range, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        await using var store = repo.OnlineStore();
        var counts = await new Materializer(store).RunAsync(
            repo.Table(view), Latest(view, range.Start, range.End, cancellationToken), progress, cancellationToken);
        repo.Registry().RecordInterval(repo.Config.Project, view.Name, range.Start, range.End, cancellationToken);
        return counts;
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
        [.. snapshot.FeatureViews.Values.Where(v => v.Online && Directory.Exists(Path.Combine(repo.Config.LakePath, v.Source.Path)))];

    private IEnumerable<IReadOnlyList<Contract.Rows.EncodedRow>> Latest(
        FeatureViewModel view, DateTimeOffset start, DateTimeOffset end, CancellationToken cancellationToken) =>
        new FeatureReader(repo.Config.LakePath, repo.Config.EntityKeyVersion)
            .Latest(view, Instant.Micros(start), Instant.Micros(end), OnlineBatchRows, cancellationToken);
}
