using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Tests.Features;

/// <summary>The feature table against the slow rule, row for row at every known time.</summary>
public sealed class WeeklyOracleTests : IDisposable
{
    private const long Day = BankView.Day;
    private const int SeedsPerTable = 125;
    private static readonly long[] Times = [20 * Day, 24 * Day, 27 * Day, (27 * Day) + (Day / 2)];
    private readonly string _root = Directory.CreateTempSubdirectory("oracle").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    // 8 tables of 125 seeds under each policy; every other table has truncates, and every table its own number of portions.
    public static TheoryData<int, bool> Tables()
    {
        var data = new TheoryData<int, bool>();
        for (var table = 0; table < 8; table++)
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
        var weekly = new WeeklyFeatures(_root);
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
}
