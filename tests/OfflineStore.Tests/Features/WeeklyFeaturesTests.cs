using System.Globalization;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Tests.Features;

public sealed class WeeklyFeaturesTests : IDisposable
{
    private const long Day = BankView.Day;
    private readonly string _root = Directory.CreateTempSubdirectory("weekly").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Compute_DesignsExample_GivesItsFourRows()
    {
        static long At(int month, int day) => new DateTimeOffset(2025, month, day, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds() * 1000;
        var t = At(11, 2);
        ChangeRow[] rows =
        [
            Row("c", 1, "t1", At(10, 28), 10, At(10, 28)), Row("c", 2, "t2", At(11, 4), 5, At(10, 30)),
            Row("u", 3, "t1", At(11, 5), 20, At(10, 28)), Row("d", 4, "t2", At(11, 10), 5, At(10, 30)),
        ];

        Append(_root, rows, 1);
        new WeeklyFeatures(_root).Compute(BankView.View(zero: true), [t], CancellationToken.None);

        Assert.Equal(
            [$"u|1|10|10|10|10|1|{t}|{t}", $"u|1|20|20|20|20|1|{t}|{At(11, 10)}", $"u|2|15|7.5|5|10|1|{t}|{At(11, 4)}", $"u|2|25|12.5|5|20|1|{t}|{At(11, 5)}"],
            FeatureRows.Read(_root));
        var reader = new FeatureReader(_root, 3);
        var newest = Assert.Single(Assert.Single(reader.Latest(BankView.View(zero: true), t, t, 10, CancellationToken.None)));
        Assert.Equal((t, At(11, 10)), (newest.EventTimeMicros, newest.CreatedTimeMicros));
        Assert.Empty(reader.Latest(BankView.View(zero: true), t + 1, t + 2, 10, CancellationToken.None));
        Assert.Equal(20.0, Assert.Single(reader.Show(BankView.View(zero: true), t, "u", CancellationToken.None)).Values[1]);
    }

    [Theory]
    [InlineData("0", "-0")]
    [InlineData("-0", "0")]
    [InlineData("-0", "-0")]
    public void Compute_ZerosOfEitherSign_GiveOneBitPatternInAnyOrder(string firstText, string secondText)
    {
        var (first, second) = (double.Parse(firstText, CultureInfo.InvariantCulture), double.Parse(secondText, CultureInfo.InvariantCulture));
        Append(_root, [Row("c", 1, "t1", Day, first, Day), Row("c", 2, "t2", Day, second, Day)], 1);
        new WeeklyFeatures(_root).Compute(BankView.View(zero: true), [7 * Day], CancellationToken.None);
        var values = Assert.Single(new FeatureReader(_root, 3).Show(BankView.View(zero: true), 7 * Day, null, CancellationToken.None)).Values;
        Assert.All(values.Skip(1).Take(4), v => Assert.Equal(0L, BitConverter.DoubleToInt64Bits((double)v!)));
    }

    private static ChangeRow Row(string op, long lsn, string key, long known, double amount, long time) =>
        new(op, "s", lsn, 0, key, known, [], ["u", amount, "v", time]);

    private static void Append(string root, IReadOnlyList<ChangeRow> rows, long version) =>
        ChangeTable.Open(root, "cdc/transactions", BankView.Columns).Append(rows, new LakeTxn("test", version), CancellationToken.None);
}
