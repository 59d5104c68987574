using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Tests.Features;

public sealed class FeatureTableTests : IDisposable
{
    private const long Day = BankView.Day;
    private readonly string _root = Directory.CreateTempSubdirectory("features").FullName;

    private string TableRoot => Path.Combine(_root, "features", "weekly");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Compute_AnotherRunWrites_IsRefusedByNameAndGoesOnAfterwards()
    {
        Append(1, Row("t1", 1));
        using (TableLock.Take(TableRoot))
        {
            var thrown = Assert.Throws<DeltaException>(() => Compute());
            Assert.Contains("another run is writing this table", thrown.Message, StringComparison.Ordinal);
            Assert.Contains(TableRoot, thrown.Message, StringComparison.Ordinal);
        }

        Assert.Equal(1, Compute());
    }

    [Fact]
    public void Compute_FilesOfABrokenRun_AreRemovedFirst()
    {
        Append(1, Row("t1", 1));
        Compute();
        var live = Parquet().Single();
        var orphan = Path.Combine(Path.GetDirectoryName(live)!, "part-0123.parquet");
        File.Copy(live, orphan);
        File.Copy(live, Path.Combine(Directory.CreateDirectory(Path.Combine(TableRoot, "_tmp")).FullName, "part-4567.parquet"));
        var foreign = Path.Combine(TableRoot, "_fstore.lock");

        Assert.Equal(0, Compute());

        Assert.Equal([live], Parquet());
        Assert.True(File.Exists(foreign));
    }

    [Fact]
    public void Compute_OneRow_ItsFileHasTheStatisticsOfEveryColumn()
    {
        Append(1, Row("t1", 4));
        Compute();
        var bounds = """{"user_id":"u","n":1,"total":4.0,"avg":4.0,"least":4.0,"most":4.0,"vendors":1,"event_timestamp":"1970-01-08T00:00:00.000000Z","created_timestamp":"1970-01-08T00:00:00.000000Z"}""";
        var nulls = """{"user_id":0,"n":0,"total":0,"avg":0,"least":0,"most":0,"vendors":0,"event_timestamp":0,"created_timestamp":0}""";
        Assert.Equal(
            $$"""{"numRecords":1,"minValues":{{bounds}},"maxValues":{{bounds}},"nullCount":{{nulls}}}""",
            Assert.Single(new DeltaLog(TableRoot).Read(CancellationToken.None)!.Files.Values).Stats);
    }

    [Fact]
    public void Compute_RowNoLongerTrue_ReplacesThePartitionAndItsFile()
    {
        Append(1, Row("t1", 1));
        Compute();
        var before = Parquet().Single();

        // Known at the same time as the first, so what was true for T is no longer.
        Append(2, Row("t2", 4));
        Compute();

        Assert.NotEqual(before, Parquet().Single());
        Assert.Equal($"u|2|5|2.5|1|4|1|{7 * Day}|{7 * Day}", Assert.Single(FeatureRows.Read(_root)));
    }

    [Fact]
    public void Compute_NaNAmount_MakesTotalsNaNAndIsTheGreatest()
    {
        Append(1, Row("t1", 1), Row("t2", double.NaN) with { Lsn = 2 });
        Compute();
        Assert.Equal($"u|2|NaN|NaN|1|NaN|1|{7 * Day}|{7 * Day}", Assert.Single(FeatureRows.Read(_root)));
    }

    [Fact]
    public void Compute_AmountsAllNull_TotalZeroAndTheOthersNull()
    {
        Append(1, Row("t1", null), Row("t2", null) with { Lsn = 2 });
        Compute();
        Assert.Equal($"u|2|0|null|null|null|1|{7 * Day}|{7 * Day}", Assert.Single(FeatureRows.Read(_root)));
    }

    [Theory]
    [InlineData(0, 9, "1|1|1|1|1|1")]
    [InlineData(-8, 9, "0|0|null|null|null|0")]
    [InlineData(-8, 30, "0|0|null|null|null|0")]
    public void Compute_OnlyRowOfAUserIsLate_ItsFirstRowIsCreatedWhenItWasKnown(int day, int known, string values)
    {
        var time = (7 * Day) + (day * Day) - 1;
        Append(1, Row("t1", 1) with { CommitTimeMicros = known * Day, Values = ["u", 1.0, "v", time] });
        Append(2, Row("t2", 1) with { Source = "other", CommitTimeMicros = 2 * Day, Values = ["someone else", 1.0, "v", 20 * Day] });
        Compute();
        Assert.Equal($"u|{values}|{7 * Day}|{known * Day}", Assert.Single(FeatureRows.Read(_root)));
    }

    [Fact]
    public void Compute_Truncate_EndsEveryKeyOfItsSourceAtItsCommit()
    {
        Append(
            1,
            Row("t1", 1),
            Row("t2", 2) with { Lsn = 2, Source = "other" },
            new ChangeRow("t", "s", 5, 0, null, 9 * Day, [], new object?[4]),
            Row("t3", 4) with { Lsn = 6, CommitTimeMicros = 10 * Day });
        Compute();
        Assert.Equal(
            [$"u|1|2|2|2|2|1|{7 * Day}|{9 * Day}", $"u|2|3|1.5|1|2|1|{7 * Day}|{7 * Day}", $"u|2|6|3|2|4|1|{7 * Day}|{10 * Day}"],
            FeatureRows.Read(_root));
    }

    [Fact]
    public void Compute_KeyChangeWithAnUnavailableColumn_TakesTheOldKeysValue()
    {
        Append(
            1,
            Row("t1", 1),
            new ChangeRow("d", "s", 5, 0, "t1", 2 * Day, [], [null, null, null, null]),
            Row("t2", 3) with { Lsn = 5, Part = 1, CommitTimeMicros = 2 * Day, Unavailable = ["vendor", "user_id"], Values = [null, 3.0, null, Day] },
            new ChangeRow("u", "s", 6, 0, "t2", 3 * Day, ["vendor"], ["u", 4.0, null, Day]));
        Compute();
        Assert.Equal($"u|1|4|4|4|4|1|{7 * Day}|{7 * Day}", Assert.Single(FeatureRows.Read(_root)));
    }

    private static ChangeRow Row(string key, double? amount) => new("c", "s", 1, 0, key, Day, [], ["u", amount, "v", Day]);

    private void Append(long version, params ChangeRow[] rows) =>
        ChangeTable.Open(_root, "cdc/transactions", BankView.Columns).Append(rows, new LakeTxn("test", version), CancellationToken.None);

    private long Compute() => new WeeklyFeatures(_root).Compute(BankView.View(true), [7 * Day], CancellationToken.None).RowsWritten;

    private string[] Parquet() => Directory.GetFiles(TableRoot, "*.parquet", SearchOption.AllDirectories);
}
