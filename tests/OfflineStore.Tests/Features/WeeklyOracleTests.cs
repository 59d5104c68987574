using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Tests.Servers;

namespace FeatureStore.OfflineStore.Tests.Features;

/// <summary>The feature table against the slow rule, row for row at every known time.</summary>
public sealed class WeeklyOracleTests : IDisposable
{
    private const long Day = BankView.Day;
    private const int SeedsPerTable = 125;
    private static readonly long[] Times = [20 * Day, 24 * Day, 27 * Day, (27 * Day) + (Day / 2)];
    private readonly string _root = Directory.CreateTempSubdirectory("oracle").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    // 8 tables of 125 seeds under each policy; every other table has truncates, and every table its own number
    // of portions; some gather values in three parts. A usual run takes one table of each number of portions.
    public static TheoryData<int, bool> Tables()
    {
        var data = new TheoryData<int, bool>();
        foreach (var table in TestProgram.IsLong ? Enumerable.Range(0, 8) : [1, 2, 4, 7])
        {
            data.Add(table, true);
            data.Add(table, false);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void Compute_RandomHistories_AgreesWithTheSlowRuleInAnyPortions(int table, bool zero)
    {
        var histories = Enumerable.Range(table * SeedsPerTable, SeedsPerTable)
            .Select(seed => RandomHistory.Rows(seed, Times, truncates: table % 2 == 1)).ToList();
        var portions = 1 + (table / 2);
        var weekly = new WeeklyFeatures(_root) { Parts = table % 4 == 2 ? 3 : 1 };
        for (var p = 0; p < portions; p++)
        {
            var index = p;
            var rows = histories.SelectMany(h => h.Where((_, i) => i % portions == index)).ToList();
            ChangeTable.Open(_root, "cdc/transactions", BankView.Columns).Append(rows, new LakeTxn("test", p + 1), CancellationToken.None);
            weekly.Compute(BankView.View(zero), p == 0 && portions > 1 ? Times[1..] : Times, CancellationToken.None);
        }

        var expected = histories.SelectMany(h => NaiveFeatures.Rows(h, Times, zero)).Order(StringComparer.Ordinal).ToList();
        var actual = FeatureRows.Read(_root);
        var wrong = expected.Except(actual).Concat(actual.Except(expected)).Select(RandomHistory.SeedOf).Distinct().ToList();
        Assert.True(
            expected.SequenceEqual(actual),
            $"seeds {string.Join(", ", wrong.Take(5))} of table {table} ({portions} portions): "
                + $"missing [{string.Join("; ", expected.Except(actual).Take(4))}], too many [{string.Join("; ", actual.Except(expected).Take(4))}]");
        Assert.Equal(0, weekly.Compute(BankView.View(zero), Times, CancellationToken.None).RowsWritten);
    }

    // Few rows a file, so that most files lie outside of a window and are left unread.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Compute_ManySmallFiles_LeavesNoneUnreadThatCounts(bool zero)
    {
        for (var seed = 5000; seed < 5008; seed++)
        {
            var root = Path.Combine(_root, $"{seed}");
            var history = RandomHistory.Rows(seed, Times, truncates: false);
            var table = ChangeTable.Open(root, "cdc/transactions", BankView.Columns);
            foreach (var (index, rows) in history.Chunk(2).Index())
            {
                table.Append(rows, new LakeTxn("test", index), CancellationToken.None);
            }

            new WeeklyFeatures(root).Compute(BankView.View(zero), Times, CancellationToken.None);
            var (expected, actual) = (NaiveFeatures.Rows(history, Times, zero), FeatureRows.Read(root));
            Assert.True(expected.SequenceEqual(actual), $"seed {seed}: missing [{string.Join("; ", expected.Except(actual).Take(4))}], too many [{string.Join("; ", actual.Except(expected).Take(4))}]");
        }
    }

    // Amounts of every size and sign: any other order of additions gives other bits.
    [Theory]
    [InlineData(1, 1, 1024)]
    [InlineData(2, 1, 1024)]
    [InlineData(2, 7, 1024)]
    [InlineData(2, 3, 64)]
    public void Compute_AnyOrderSplitAndThreads_AddsTheAmountsInAscendingOrder(int threads, int files, int memoryMiB)
    {
        var random = new Random(1);
        var rows = Enumerable.Range(0, 30_000)
            .Select(i => Amount(i, i % 3 == 0 ? "big" : $"u{i % 700}", (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-8, 9)))).ToList();
        random = new Random((threads * 100) + files);
        var shuffled = rows.OrderBy(_ => random.Next()).ToArray();
        foreach (var (index, part) in shuffled.Chunk((shuffled.Length / files) + 1).Index())
        {
            ChangeTable.Open(_root, "cdc/transactions", BankView.Columns).Append(part, new LakeTxn("test", index), CancellationToken.None);
        }

        new WeeklyFeatures(_root, new LakeOptions(memoryMiB, threads, Path.Combine(_root, "spill"))).Compute(BankView.View(true), [20 * Day], CancellationToken.None);

        Assert.Equal(NaiveFeatures.Rows(rows, [20 * Day], true), FeatureRows.Read(_root));
    }

    private static ChangeRow Amount(int index, string user, double amount) =>
        new("c", "s", index, 0, $"k{index}", 15 * Day, [], [user, amount, "v", (15 * Day) + index]);
}
