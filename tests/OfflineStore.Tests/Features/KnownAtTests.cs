using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Tests.Features;

/// <summary>Rows and features as they were known at a time, whatever came later.</summary>
public sealed class KnownAtTests : IDisposable
{
    private const long Day = BankView.Day;
    private const long T = 35 * Day;
    private readonly string _root = Directory.CreateTempSubdirectory("known").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    // The example of the rule: 10 known in time, 5 known late, the 10 corrected to 20, the 5 taken back.
    [Fact]
    public void Show_EachKnownTime_IsWhatWasKnownThenAndStaysSo()
    {
        (long Known, double Total)[] answers = [(T, 10), (T + (2 * Day), 15), (T + (3 * Day), 25), (T + (8 * Day), 20)];
        ChangeRow[] rows =
        [
            Row("c", 1, "t1", 30 * Day, 10, 30 * Day), Row("c", 2, "t2", T + (2 * Day), 5, 32 * Day),
            Row("u", 3, "t1", T + (3 * Day), 20, 30 * Day), Row("d", 4, "t2", T + (8 * Day), 5, 32 * Day),
        ];
        var view = BankView.View(zero: true);
        for (var arrived = 0; arrived < rows.Length; arrived++)
        {
            Changes.Append([rows[arrived]], new LakeTxn("test", arrived), CancellationToken.None);
            new WeeklyFeatures(_root).Compute(view, [T], CancellationToken.None);
            foreach (var (known, total) in answers.Take(arrived + 1))
            {
                var shown = Assert.Single(new FeatureReader(_root, 3).Show(view, T, "u", CancellationToken.None, known));
                Assert.Equal((total, known), (shown.Values[1], shown.CreatedTimeMicros));
                Assert.Equal(total, Assert.Single(new FeatureReader(_root, 3).Show(view, T, "u", CancellationToken.None, known + Day - 1)).Values[1]);
            }

            Assert.Empty(new FeatureReader(_root, 3).Show(view, T, "u", CancellationToken.None, T - 1));
        }

        var history = new FeatureReader(_root, 3).Show(view, T, "u", CancellationToken.None, isHistory: true);
        Assert.Equal(answers, history.Select(r => (r.CreatedTimeMicros!.Value, (double)r.Values[1]!)));
    }

    [Fact]
    public void KnownAt_RandomHistories_AreTheRowsOfASlowWalk()
    {
        for (var seed = 7_000; seed < 7_060; seed++)
        {
            var root = Path.Combine(_root, $"{seed}");
            var history = RandomHistory.Rows(seed, [T], truncates: seed % 2 == 0);
            ChangeTable.Open(root, "cdc/transactions", BankView.Columns).Append(history, new LakeTxn("test", 1), CancellationToken.None);
            foreach (var known in new[] { 12 * Day, 20 * Day, 28 * Day, SourceRows.Now })
            {
                var expected = NaiveFeatures.Alive(history, known);
                var actual = new SourceRows(root).KnownAt("cdc/transactions", known, CancellationToken.None).Select(r => $"{string.Join('|', r.Values.Select(NaiveFeatures.Text))}|{r.KnownMicros}").Order(StringComparer.Ordinal).ToList();
                Assert.True(expected.SequenceEqual(actual), $"seed {seed}, known at {known}: missing [{string.Join("; ", expected.Except(actual).Take(4))}], too many [{string.Join("; ", actual.Except(expected).Take(4))}]");
            }
        }
    }

    [Fact]
    public void KnownAt_VersionOfTheLake_LeavesOutWhatArrivedSince()
    {
        Changes.Append([Row("c", 1, "t1", Day, 1, Day)], new LakeTxn("test", 1), CancellationToken.None);
        Changes.Append([Row("u", 2, "t1", Day, 2, Day)], new LakeTxn("test", 2), CancellationToken.None);
        Assert.Equal(1.0, Assert.Single(new SourceRows(_root).KnownAt("cdc/transactions", Day, CancellationToken.None, version: 0)).Values[1]);
        Assert.Equal(2.0, Assert.Single(new SourceRows(_root).KnownAt("cdc/transactions", Day, CancellationToken.None)).Values[1]);
        Assert.Contains("no version 7", Assert.Throws<DeltaException>(() => new SourceRows(_root).KnownAt("cdc/transactions", Day, CancellationToken.None, 7).Count()).Message, StringComparison.Ordinal);
        Assert.Contains("holds no table", Assert.Throws<DeltaException>(() => new SourceRows(_root).KnownAt("absent", Day, CancellationToken.None).Count()).Message, StringComparison.Ordinal);
    }

    // A plain view over the change table: each version of a row is a feature row.
    [Fact]
    public void Show_ViewOverAChangeTable_IsWhatWasKnownThen()
    {
        Changes.Append([Row("c", 1, "t1", 10 * Day, 1, Day), Row("u", 2, "t1", 12 * Day, 2, Day), Row("d", 3, "t1", 14 * Day, 0, Day)], new LakeTxn("test", 1), CancellationToken.None);
        var view = BankView.View(true) with
        {
            Aggregated = null,
            Features = [new("amount", Feast.Types.ValueType.Types.Enum.Double)],
            Source = new("t", "cdc/transactions", "time", null, new Dictionary<string, string>()),
        };
        object? At(long known) => new FeatureReader(_root, 3).Show(view, T, null, CancellationToken.None, known).SingleOrDefault()?.Values[0];
        Assert.Equal([null, 1.0, 2.0, null], new[] { 9 * Day, 11 * Day, 13 * Day, 15 * Day }.Select(At));
    }

    private ChangeTable Changes => ChangeTable.Open(_root, "cdc/transactions", BankView.Columns);

    private static ChangeRow Row(string op, long lsn, string key, long known, double amount, long time) => new(op, "s", lsn, 0, key, known, [], ["u", amount, "v", time]);
}
