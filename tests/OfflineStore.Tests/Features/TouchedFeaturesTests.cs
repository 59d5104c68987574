using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Tests.Features;

/// <summary>Computing what new changes touch gives what computing all gives.</summary>
public sealed class TouchedFeaturesTests : IDisposable
{
    private const long Day = BankView.Day;
    private const int SeedsPerTable = 60;
    private static readonly long[] Times = [20 * Day, 24 * Day, 27 * Day, (27 * Day) + (Day / 2)];
    private readonly string _root = Directory.CreateTempSubdirectory("touched").FullName;

    private ChangeTable Changes => ChangeTable.Open(_root, "cdc/transactions", BankView.Columns);

    private WeeklyFeatures Weekly => new(_root);

    public void Dispose() => Directory.Delete(_root, recursive: true);

    // Every other table has truncates; a portion is whatever arrived by then, in any order of commits.
    [Theory]
    [InlineData(0, true, 2)]
    [InlineData(0, false, 2)]
    [InlineData(1, true, 4)]
    [InlineData(1, false, 4)]
    [InlineData(2, true, 6)]
    [InlineData(2, false, 6)]
    public void ComputeTouched_RandomHistoriesInPortions_GivesTheRowsOfAFullComputation(int table, bool zero, int portions)
    {
        var histories = Enumerable.Range(9_000 + (table * SeedsPerTable), SeedsPerTable).Select(seed => RandomHistory.Rows(seed, Times, truncates: table == 1)).ToList();
        for (var p = 0; p < portions; p++)
        {
            var index = p;
            Changes.Append([.. histories.SelectMany(h => h.Where((_, i) => i % portions == index))], new LakeTxn("test", p + 1), CancellationToken.None);
            if (p == 0)
            {
                Weekly.Compute(BankView.View(zero), Times, CancellationToken.None);
            }
            else
            {
                Weekly.ComputeTouched(BankView.View(zero), CancellationToken.None);
            }
        }

        var expected = histories.SelectMany(h => NaiveFeatures.Rows(h, Times, zero)).Order(StringComparer.Ordinal).ToList();
        var actual = FeatureRows.Read(_root);
        var wrong = expected.Except(actual).Concat(actual.Except(expected)).Select(RandomHistory.SeedOf).Distinct().ToList();
        Assert.True(
            expected.SequenceEqual(actual),
            $"seeds {string.Join(", ", wrong.Take(5))}: missing [{string.Join("; ", expected.Except(actual).Take(4))}], too many [{string.Join("; ", actual.Except(expected).Take(4))}]");
        Assert.Equal(0, Weekly.Compute(BankView.View(zero), Times, CancellationToken.None).RowsWritten);
    }

    [Fact]
    public void ComputeTouched_OneLateRow_ReopensItsUserAndWeeksOnly()
    {
        long[] weeks = [.. Enumerable.Range(2, 10).Select(w => 7 * w * Day)];
        Append(1, [.. Enumerable.Range(0, 50).SelectMany(u => Enumerable.Range(1, 70).Select(d => Row($"t{u}.{d}", $"u{u}", (d * 100) + u, d * Day, d * Day)))]);
        Weekly.Compute(BankView.View(true), weeks, CancellationToken.None);
        var before = FeatureRows.Read(_root);

        Append(2, Row("late", "u7", 1_000_000, 30 * Day, 60 * Day));
        var touched = Weekly.ComputeTouched(BankView.View(true), CancellationToken.None);

        Assert.Equal((1, 1, 1, 0, 0L, 1L), (touched.Users, touched.Times, touched.RowsWritten, touched.TimesWhole, touched.FromVersion, touched.ToVersion));
        var after = FeatureRows.Read(_root);
        Assert.Equal($"u7|8|8|1|1|1|1|{35 * Day}|{60 * Day}", Assert.Single(after.Except(before)));
        Assert.Empty(before.Except(after)); // What was said before stays beside the correction.
        Assert.Equal((0, 0, 0), Nothing(Weekly.ComputeTouched(BankView.View(true), CancellationToken.None)));
        Assert.Equal(0, Weekly.Compute(BankView.View(true), weeks, CancellationToken.None).RowsWritten);
    }

    [Fact]
    public void ComputeTouched_MarksLostOrDamaged_ComputesEveryTimeThatHasRows()
    {
        Append(1, Row("t1", "u", 1, Day, Day));
        Weekly.Compute(BankView.View(true), [7 * Day, 14 * Day], CancellationToken.None);
        var marks = Directory.GetFiles(_root, "_fstore_computed.json", SearchOption.AllDirectories).Single();
        foreach (var damage in new Action[] { () => File.Delete(marks), () => File.WriteAllText(marks, "{"), () => File.WriteAllText(marks, """{"SourceId":"other","TableVersion":0,"Times":{}}""") })
        {
            damage();
            var touched = Weekly.ComputeTouched(BankView.View(true), CancellationToken.None);
            Assert.Equal((2, 0L, null), (touched.TimesWhole, touched.RowsWritten, touched.FromVersion));
            Assert.Equal(0, Weekly.ComputeTouched(BankView.View(true), CancellationToken.None).TimesWhole);
        }
    }

    private static (long, long, int) Nothing(TouchedResult result) => (result.Users, result.RowsWritten, result.TimesWhole);

    private static ChangeRow Row(string key, string user, long lsn, long time, long known) => new("c", "s", lsn, 0, key, known, [], [user, 1.0, "v", time]);

    private void Append(long version, params ChangeRow[] rows) => Changes.Append(rows, new LakeTxn("test", version), CancellationToken.None);
}
