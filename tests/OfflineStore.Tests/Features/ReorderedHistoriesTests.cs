using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Tests.Features;

/// <summary>
/// The same changes in any order, each delivered up to three times, in any split into commits and with any number of threads, give the same feature rows and the
/// same bytes for the online store. FSTORE_ROBUSTNESS=long tries 10,000 histories instead of 200.
/// </summary>
public sealed class ReorderedHistoriesTests : IDisposable
{
    private const long Day = BankView.Day;
    private const int Deliveries = 3;
    private const int HistoriesPerTable = 200;
    private static readonly long[] Times = [20 * Day, 24 * Day, 27 * Day];
    private readonly string _root = Directory.CreateTempSubdirectory("reordered").FullName;

    private static int Tables => Environment.GetEnvironmentVariable("FSTORE_ROBUSTNESS") == "long" ? 50 : 1;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Compute_HistoriesReorderedAndDeliveredThrice_GiveTheSameRowsAndBytes()
    {
        for (var table = 0; table < Tables; table++)
        {
            var histories = Enumerable.Range(20_000 + (table * HistoriesPerTable), HistoriesPerTable).Select(seed => RandomHistory.Rows(seed, Times, truncates: seed % 4 == 0)).ToList();
            var once = histories.SelectMany(h => h.OrderBy(r => r.Lsn).ThenBy(r => r.Part)).DistinctBy(r => (r.Source, r.Key, r.Lsn, r.Part)).ToList();
            var random = new Random(table);
            var often = histories.SelectMany(h => h).SelectMany(r => Enumerable.Repeat(r, random.Next(1, Deliveries + 1))).OrderBy(_ => random.Next()).ToList();

            var (rows, bytes) = Computed($"{table}.once", once, commits: 1, threads: 1);
            var (rowsOften, bytesOften) = Computed($"{table}.often", often, commits: 3, threads: 2);
            Assert.True(rows.Count > HistoriesPerTable, $"only {rows.Count} rows");
            Assert.True(
                rows.SequenceEqual(rowsOften),
                $"seeds {string.Join(", ", rows.Except(rowsOften).Concat(rowsOften.Except(rows)).Select(RandomHistory.SeedOf).Distinct().Take(5))} of table {table}: [{string.Join("; ", rows.Except(rowsOften).Take(3))}] became [{string.Join("; ", rowsOften.Except(rows).Take(3))}]");
            Assert.True(bytes.SequenceEqual(bytesOften), $"table {table}: {bytes.Except(bytesOften).Count()} online rows have other bytes");
        }
    }

    private (List<string> Rows, List<string> OnlineBytes) Computed(string name, List<ChangeRow> rows, int commits, int threads)
    {
        var root = Path.Combine(_root, name);
        var table = ChangeTable.Open(root, "cdc/transactions", BankView.Columns);
        foreach (var (index, part) in rows.Chunk((rows.Count / commits) + 1).Index())
        {
            table.Append(part, new LakeTxn("test", index), CancellationToken.None);
        }

        var options = new LakeOptions(512, threads, Path.Combine(_root, "spill"));
        new WeeklyFeatures(root, options).Compute(BankView.View(true), Times, CancellationToken.None);
        var online = new FeatureReader(root, 3, options).Latest(BankView.View(true), 0, Times[^1], 1_000, CancellationToken.None).SelectMany(b => b)
            .Select(r => $"{Convert.ToHexString(r.EntityKey)} {r.EventTimeMicros} {r.CreatedTimeMicros} {string.Join(' ', r.Values.Select(Convert.ToHexString))}").Order(StringComparer.Ordinal).ToList();
        return (FeatureRows.Read(root), online);
    }
}
