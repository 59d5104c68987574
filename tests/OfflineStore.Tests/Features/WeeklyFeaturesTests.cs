using System.Globalization;
using FeatureStore.DuckDb;
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
            Read(_root));
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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Compute_RandomHistories_AgreesWithTheSlowRuleInAnyPortions(bool zero)
    {
        // 560 distinct histories of a source row, each under both policies; even seeds compute at once, odd ones in portions.
        for (var seed = 0; seed < 14; seed++)
        {
            var history = History(seed, keys: 40);
            long[] times = [20 * Day, 24 * Day, 27 * Day, (27 * Day) + (Day / 2)];
            var root = Path.Combine(_root, $"{seed}");
            var portions = seed % 2 == 0 ? 1 : 3;
            for (var p = 0; p < portions; p++)
            {
                var index = p;
                Append(root, [.. history.Where((_, i) => i % portions == index)], p + 1);
                new WeeklyFeatures(root).Compute(BankView.View(zero), p == 0 ? times[1..] : times, CancellationToken.None);
            }

            new WeeklyFeatures(root).Compute(BankView.View(zero), times, CancellationToken.None);
            var expected = NaiveFeatures.Rows(history, times, zero);
            var actual = Read(root);
            Assert.True(
                expected.SequenceEqual(actual),
                $"seed {seed}: missing [{string.Join("; ", expected.Except(actual).Take(3))}], too many [{string.Join("; ", actual.Except(expected).Take(3))}]");
            Assert.Equal(0, new WeeklyFeatures(root).Compute(BankView.View(zero), times, CancellationToken.None).RowsWritten);
        }
    }

    private static List<ChangeRow> History(int seed, int keys)
    {
        var random = new Random(seed);
        var rows = new List<ChangeRow>();
        long[] edges = [20 * Day, 13 * Day, 24 * Day, 17 * Day];
        for (var key = 0; key < keys; key++)
        {
            var versions = random.Next(1, 6);
            for (var v = 0; v < versions; v++)
            {
                var op = v == 0 ? "c" : random.Next(4) == 0 ? "d" : "u";
                long? time = random.Next(12) == 0 ? null : random.Next(3) == 0 ? edges[random.Next(4)] : random.NextInt64(8 * Day, 30 * Day);
                var commit = random.Next(3) == 0 ? 20 * Day : random.NextInt64(8 * Day, 34 * Day);
                string[] unavailable = op == "u" && random.Next(4) == 0 ? ["vendor"] : [];
                double? amount = random.Next(10) == 0 ? null : random.Next(2) == 0 ? random.Next(-3, 4) : (random.NextDouble() * 100) - 30;
                object?[] values =
                    [random.Next(15) == 0 ? null : $"u{random.Next(6)}", amount, unavailable.Length > 0 ? null : $"v{random.Next(3)}", time];
                var row = new ChangeRow(op, "s", ((v + 1) * 100) + random.Next(50), random.Next(2), $"k{key}", commit, unavailable, values);
                rows.Add(row);
                if (random.Next(6) == 0)
                {
                    rows.Add(row);
                }
            }
        }

        return [.. rows.OrderBy(_ => random.Next())];
    }

    private static ChangeRow Row(string op, long lsn, string key, long known, double amount, long time) =>
        new(op, "s", lsn, 0, key, known, [], ["u", amount, "v", time]);

    private static void Append(string root, IReadOnlyList<ChangeRow> rows, long version) =>
        ChangeTable.Open(root, "cdc/transactions", BankView.Columns).Append(rows, new LakeTxn("test", version), CancellationToken.None);

    private static List<string> Read(string root)
    {
        // As a plain Parquet reader would: every file in the folder.
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(256, 1));
        using var connection = database.Connect();
        using var reader = connection.Query(
            $"SELECT user_id, n, total, avg, least, most, vendors, epoch_us(event_timestamp), epoch_us(created_timestamp) FROM read_parquet('{root}/features/weekly/**/*.parquet')");
        var rows = new List<string>();
        while (reader.NextChunk())
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                var row = r;
                string Double(int c) => reader.IsNull(c, row) ? "null" : NaiveFeatures.Text(reader.Double(c, row));
                rows.Add($"{reader.Text(0, r)}|{reader.Int64(1, r)}|{Double(2)}|{Double(3)}|{Double(4)}|{Double(5)}|{reader.Int64(6, r)}|{reader.Int64(7, r)}|{reader.Int64(8, r)}");
            }
        }

        rows.Sort(StringComparer.Ordinal);
        return rows;
    }
}
