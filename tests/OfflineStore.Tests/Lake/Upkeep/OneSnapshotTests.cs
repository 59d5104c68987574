using System.Globalization;
using FeatureStore.OfflineStore.Lake.Upkeep;

namespace FeatureStore.OfflineStore.Tests.Lake.Upkeep;

/// <summary>
/// A writer, a compactor, a vacuum and readers of one table at once. Each commit adds as many rows, which sum to zero, so whoever saw a part of
/// one or a row twice would know.
/// </summary>
public sealed class OneSnapshotTests : IDisposable
{
    private const int RowsPerCommit = 8;
    private readonly UpkeepTable _table = new();

    public void Dispose() => _table.Dispose();

    [Fact]
    public async Task WriterCompactorAndReaders_AtOnce_EachReadSeesOneSnapshot()
    {
        var isLong = Environment.GetEnvironmentVariable("FSTORE_ROBUSTNESS") == "long";
        var seed = int.TryParse(Environment.GetEnvironmentVariable("FSTORE_ROBUSTNESS_SEED"), CultureInfo.InvariantCulture, out var given) ? given : 20_261_125;
        var random = new Random(seed);
        _table.Append(0, random);

        // Bounded by commits, or by minutes where much is tried.
        using var ended = new CancellationTokenSource(isLong ? TimeSpan.FromMinutes(5) : TimeSpan.FromMinutes(2));
        var commits = 0;
        var compactions = 0L;
        var reads = 0L;
        var writer = Work(() =>
        {
            _table.Append(++commits, random);
            return isLong || commits < 40;
        });
        var compactor = Work(() =>
        {
            compactions += new Compactor(_table.Root).Run(Compactor.TargetBytesDefault, CancellationToken.None).Commits;
            _ = new Vacuum(_table.Root).Run(null, isShortAllowed: false, isDryRun: false, CancellationToken.None);
            return !writer.IsCompleted;
        });
        var readers = Enumerable.Range(0, 2).Select(_ => Work(() =>
        {
            var snapshot = _table.Snapshot;
            var (rows, sum) = _table.Totals(snapshot);
            Assert.True(rows == RowsPerCommit * (snapshot.Txn["app"] + 1) && sum == 0, $"seed {seed}: version {snapshot.Version} gave {rows} rows with sum {sum} after commit {snapshot.Txn["app"]}");
            Interlocked.Increment(ref reads);
            return !writer.IsCompleted;
        }));

        await Task.WhenAll([writer, compactor, .. readers]);

        Assert.True(compactions > 0 && reads > 0, $"seed {seed}: {compactions} compactions, {reads} reads");
        var naive = NaiveTable.Read(_table.Root);
        var last = _table.Snapshot;
        Assert.Equal(naive.Sizes.OrderBy(f => f.Key, StringComparer.Ordinal), last.Files.Values.Select(f => KeyValuePair.Create(f.Path, f.Size)).OrderBy(f => f.Key, StringComparer.Ordinal));
        Assert.Equal(naive.Progress, last.Txn);
        Assert.Empty(new TableCheck(_table.Root).Run(CancellationToken.None).Faults);

        Task Work(Func<bool> step) => Task.Factory.StartNew(
            () =>
            {
                while (step() && !ended.IsCancellationRequested)
                {
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
    }
}
