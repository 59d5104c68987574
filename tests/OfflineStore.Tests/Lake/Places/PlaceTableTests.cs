using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Log;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OfflineStore.Lake.Tables;
using FeatureStore.OfflineStore.Lake.Upkeep;
using FeatureStore.OfflineStore.Tests.Features;

namespace FeatureStore.OfflineStore.Tests.Lake.Places;

/// <summary>One table is the same on every kind of store: the same rows, versions and upkeep.</summary>
public sealed class PlaceTableTests
{
    private const string Table = "cdc/transactions";
    private const long Day = BankView.Day;

    [Theory]
    [InlineData(StoreKind.Folder)]
    [InlineData(StoreKind.S3)]
    [InlineData(StoreKind.S3WithoutConditions)]
    public async Task Append_ManyCommits_AreReadAtEveryVersionFromCheckpointsToo(StoreKind kind)
    {
        await using var places = await TestPlaces.OpenAsync(kind);
        for (var n = 1; n <= 12; n++)
        {
            Append(places.Lake, n);
            Append(places.Lake, n); // Delivered again.
        }

        var log = new DeltaLog(places.Lake.Below(Table));
        new CheckpointWriter(log.LogPath).Write(log.Read(10, CancellationToken.None)!, long.MinValue, CancellationToken.None);
        var table = new LakeTable(places.Another().Below(Table));
        var newest = table.Read(null, null, CancellationToken.None);
        Assert.Equal((11, 12L), (newest.Version, newest.Txn["app"]));
        Assert.Equal(24, Rows(places.Lake, newest).Count);
        Assert.Equal(10, Rows(places.Lake, table.Read(4, null, CancellationToken.None)).Count);
        Assert.Equal([10L], LogFiles.List(table.Log.LogPath).Checkpoints.Keys);
        Assert.Equal(10, CheckpointWriter.NamedVersion(table.Log.LogPath));

        for (var v = 0; v <= 11; v++)
        {
            places.Age($"{Table}/_delta_log/{LogFiles.CommitName(v)}", new DateTimeOffset(2026, 11, 1, v, 0, 0, TimeSpan.Zero));
        }

        Assert.Equal(5, table.Log.VersionAt(new DateTimeOffset(2026, 11, 1, 5, 30, 0, TimeSpan.Zero), CancellationToken.None));
        Assert.Equal([11L, 10L], TableHistory.Read(places.Lake.Below(Table), 2, CancellationToken.None).Select(c => c.Version));
        Assert.Equal([Table], LakeFolder.Tables(places.Lake, CancellationToken.None).Select(t => t.Path));
        Assert.Empty(new TableCheck(places.Lake.Below(Table)).Run(CancellationToken.None).Faults);
    }

    [Theory]
    [InlineData(StoreKind.Folder)]
    [InlineData(StoreKind.S3)]
    [InlineData(StoreKind.S3WithoutConditions)]
    public async Task Upkeep_CompactVacuumCheck_KeepsTheRowsAndFindsWhatIsWrong(StoreKind kind)
    {
        await using var places = await TestPlaces.OpenAsync(kind);
        for (var n = 1; n <= 4; n++)
        {
            Append(places.Lake, n);
        }

        var root = places.Lake.Below(Table);
        var before = new DeltaLog(root).Read(CancellationToken.None)!;
        var rows = Rows(places.Lake, before);
        Assert.Equal(1, new Compactor(root).Run(Compactor.TargetBytesDefault, CancellationToken.None).FilesAdded);
        var after = new DeltaLog(root).Read(CancellationToken.None)!;
        Assert.Equal(rows, Rows(places.Lake, after));

        places.Write($"{Table}/__commit_date=1970-01-01/part-orphan.parquet", [1]);
        Assert.Equal(["orphan"], new TableCheck(root).Run(CancellationToken.None).Faults.Select(f => f.What));
        var vacuum = new Vacuum(root).Run(TimeSpan.Zero, isShortAllowed: true, isDryRun: false, CancellationToken.None);
        Assert.Equal(before.Files.Count + 1, vacuum.Paths.Count);
        Assert.Empty(new TableCheck(root).Run(CancellationToken.None).Faults);
        Assert.Contains("is gone", Assert.Throws<DeltaException>(() => Rows(places.Lake, before)).Message, StringComparison.Ordinal);

        var name = $"{Table}/{after.Files.Keys.Single()}";
        places.Write(name, [1, 2, 3]);
        Assert.Equal(["size"], new TableCheck(root).Run(CancellationToken.None).Faults.Select(f => f.What));
        places.Write(name, null);
        Assert.Equal(["missing"], new TableCheck(root).Run(CancellationToken.None).Faults.Select(f => f.What));
    }

    [Theory]
    [InlineData(StoreKind.Folder)]
    [InlineData(StoreKind.S3)]
    [InlineData(StoreKind.S3WithoutConditions)]
    public async Task Compute_LateChangesAndOrphans_LeaveOneFileOfTrueRows(StoreKind kind)
    {
        await using var places = await TestPlaces.OpenAsync(kind);
        Append(places.Lake, 1);
        places.Write("features/weekly/event_date=1970-01-08/part-0123.parquet", [1]);
        Assert.Equal(2, Compute(places.Lake));
        var first = Parquet(places);
        Assert.Equal(0, Compute(places.Lake));
        Assert.Equal(first, Parquet(places));

        places.Write("features/weekly/event_date=1970-01-08/part-4567.parquet", [1]);
        Append(places.Lake, 2);
        Compute(places.Lake);
        var second = Assert.Single(Parquet(places));
        Assert.DoesNotContain(second, first);
        var shown = new FeatureReader(places.Another(), 3).Show(BankView.View(true), 8 * Day, "u1", CancellationToken.None);
        Assert.Equal(2L, Assert.Single(shown).Values[0]);
        Assert.Empty(new TableCheck(places.Lake.Below("features/weekly")).Run(CancellationToken.None).Faults);
    }

    [Theory]
    [InlineData(StoreKind.Folder)]
    [InlineData(StoreKind.S3)]
    [InlineData(StoreKind.S3WithoutConditions)]
    public async Task Append_TwoWritersAtOnce_BothLandEachOnce(StoreKind kind)
    {
        await using var places = await TestPlaces.OpenAsync(kind);
        Append(places.Lake, 1);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(w => Task.Run(() =>
        {
            var lake = places.Another();
            for (var n = 1; n <= 4; n++)
            {
                Append(lake, n, $"writer{w}");
            }
        })));

        var newest = new DeltaLog(places.Lake.Below(Table)).Read(CancellationToken.None)!;
        Assert.Equal(12, newest.Version);
        Assert.Equal(26, Rows(places.Lake, newest).Count);
        Assert.Empty(new TableCheck(places.Lake.Below(Table)).Run(CancellationToken.None).Faults);
        Assert.DoesNotContain(places.Names(), n => n.Contains("_fstore_", StringComparison.Ordinal) && !n.EndsWith(TableLock.FileName, StringComparison.Ordinal));
    }

    internal static void Append(LakePlace lake, int number, string app = "app")
    {
        ChangeRow[] rows =
        [
            new("c", app, (number * 10) + 1, 0, $"{{\"id\":\"{app}{number}a\"}}", Day, [], ["u1", 1.5 * number, "v", Day]),
            new("c", app, (number * 10) + 2, 0, $"{{\"id\":\"{app}{number}b\"}}", Day, [], ["u2", 2.5 * number, "v", Day]),
        ];
        ChangeTable.Open(lake, Table, BankView.Columns).Append(rows, new LakeTxn(app, number), CancellationToken.None);
    }

    internal static List<string> Rows(LakePlace lake, DeltaSnapshot snapshot) =>
        [.. new LakeTable(lake.Below(Table)).Rows(snapshot, null, CancellationToken.None).Order(StringComparer.Ordinal)];

    internal static long Compute(LakePlace lake) => new WeeklyFeatures(lake).Compute(BankView.View(true), [7 * Day], CancellationToken.None).RowsWritten;

    private static List<string> Parquet(TestPlaces places) => [.. places.Names().Where(n => n.StartsWith("features/", StringComparison.Ordinal) && n.EndsWith(".parquet", StringComparison.Ordinal) && !n.Contains("_delta_log", StringComparison.Ordinal))];
}
