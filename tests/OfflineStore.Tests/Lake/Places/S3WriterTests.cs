using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OfflineStore.Lake.Places.S3;
using FeatureStore.OfflineStore.Lake.Upkeep;
using FeatureStore.OfflineStore.Tests.Features;
using FeatureStore.OfflineStore.Tests.Lake.Upkeep;
using FeatureStore.Tests.Servers.S3;

namespace FeatureStore.OfflineStore.Tests.Lake.Places;

/// <summary>Who may write a table on a bucket, what a run that broke off leaves, and what is kept for reading.</summary>
public sealed class S3WriterTests
{
    private const string Table = "cdc/transactions";
    private const string Weekly = "features/weekly";

    [Theory]
    [InlineData(StoreKind.S3, ConditionalPut.Auto, true)]
    [InlineData(StoreKind.S3WithoutConditions, ConditionalPut.Auto, false)]
    [InlineData(StoreKind.S3, ConditionalPut.No, false)]
    public async Task Append_ByWhatTheServerCan_GoesUnderAConditionOrALease(StoreKind kind, ConditionalPut setting, bool isConditional)
    {
        await using var places = await TestPlaces.OpenAsync(kind);
        var lake = places.Another(o => o with { ConditionalPut = setting });
        PlaceTableTests.Append(lake, 1);
        PlaceTableTests.Append(lake, 2);
        var seen = places.Server!.Seen;
        Assert.Equal(isConditional ? 2 : 0, seen.Count(s => s.Target.EndsWith(".json", StringComparison.Ordinal) && s.Method == "PUT" && s.IsConditional));
        Assert.Equal(isConditional ? 0 : 2, seen.Count(s => s.Target.Contains(S3Lease.Folder, StringComparison.Ordinal) && s.Method == "PUT"));
        Assert.Equal(setting == ConditionalPut.Auto, seen.Any(s => s.Target.Contains("_fstore_probe", StringComparison.Ordinal) && s.Method == "PUT"));
        Assert.DoesNotContain(places.Names(), n => n.Contains("_fstore_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Append_AnotherHoldsTheLease_IsRefusedAndGoesOnWhenThatFalls()
    {
        await using var places = await TestPlaces.OpenAsync(StoreKind.S3WithoutConditions);
        PlaceTableTests.Append(places.Lake, 1);
        var other = places.Another();
        using var held = other.Below(Table).Lock();
        var message = Assert.Throws<DeltaException>(() => PlaceTableTests.Append(places.Lake, 2)).Message;
        Assert.Contains("another run is writing this table", message, StringComparison.Ordinal);

        // The holder is cut off for so long that its claim has fallen.
        var claim = places.Names().Single(n => n.Contains(S3Lease.Folder, StringComparison.Ordinal));
        places.Age(claim, DateTimeOffset.UtcNow.AddMinutes(-10));
        PlaceTableTests.Append(places.Lake, 2);
        Assert.DoesNotContain(claim, places.Names());
    }

    [Fact]
    public async Task TryCommit_TheLeaseWasLost_IsRefused()
    {
        await using var places = await TestPlaces.OpenAsync(StoreKind.S3WithoutConditions);
        PlaceTableTests.Append(places.Lake, 1);

        // A lease that is shorter than a request may last is never safe to write under.
        var other = places.Another(o => o with { Lease = TimeSpan.FromSeconds(10) }).Below(Table);
        using var held = other.Lock();
        var commit = new DeltaCommit(null, null, new LakeTxn("app", 9), [], []);
        Assert.Contains("lease", Assert.Throws<DeltaException>(() => new DeltaLog(other).TryCommit(1, commit)).Message, StringComparison.Ordinal);
        Assert.Equal(0, new DeltaLog(places.Another().Below(Table)).Read(CancellationToken.None)!.Version);
    }

    [Theory]
    [InlineData(StoreKind.S3)]
    [InlineData(StoreKind.S3WithoutConditions)]
    public async Task Compute_FilesOfARunThatIsAboutToCommit_AreDeletedOnlyAfterItCannot(StoreKind kind)
    {
        await using var places = await TestPlaces.OpenAsync(kind);
        PlaceTableTests.Append(places.Lake, 1);
        PlaceTableTests.Compute(places.Lake);
        var log = new DeltaLog(places.Another().Below(Weekly));
        var stale = log.Read(CancellationToken.None)!;
        places.Write($"{Weekly}/event_date=1970-01-08/part-7.parquet", [1]);

        PlaceTableTests.Compute(places.Lake);

        var file = new DeltaFile("event_date=1970-01-08/part-7.parquet", new Dictionary<string, string?> { ["event_date"] = "1970-01-08" }, 1, 1, null, new Dictionary<string, string>());
        Assert.Equal(DeltaCommitOutcome.Conflict, log.TryCommit(stale.Version + 1, new DeltaCommit(null, null, null, [file], [])));
        Assert.DoesNotContain($"{Weekly}/event_date=1970-01-08/part-7.parquet", places.Names());
    }

    [Fact]
    public async Task Lake_TablesInOtherBuckets_AreListedAndRead()
    {
        await using var places = await TestPlaces.OpenAsync(StoreKind.S3);
        var lake = places.Another(null, new Dictionary<string, string> { ["cdc"] = "s3://transaction-data-user/demographic" });
        PlaceTableTests.Append(lake, 1);
        PlaceTableTests.Compute(lake);
        Assert.Contains(places.Server!.Keys("transaction-data-user"), k => k.StartsWith("demographic/transactions/_delta_log/", StringComparison.Ordinal));
        Assert.Equal(["cdc/transactions", "features/weekly"], OfflineStore.Lake.Upkeep.LakeFolder.Tables(lake, CancellationToken.None).Select(t => t.Path));
        Assert.Single(new FeatureReader(lake, 3).Show(BankView.View(true), 8 * BankView.Day, "u1", CancellationToken.None));
    }

    [Theory]
    [InlineData("s3://transaction-data/plain/")]
    [InlineData("s3://transaction-data/plain/day=2026-11-01/rows.parquet")]
    public async Task Latest_PlainParquetOnABucket_IsReadFromAFolderLakeToo(string source)
    {
        await using var places = await TestPlaces.OpenAsync(StoreKind.S3);
        PlaceTableTests.Append(places.Lake, 1);
        PlaceTableTests.Compute(places.Lake);
        var file = places.Names().Single(n => n.StartsWith(Weekly + "/event_date", StringComparison.Ordinal));
        places.Server!.Set(TestPlaces.Bucket, "plain/day=2026-11-01/rows.parquet", places.Server.Get(TestPlaces.Bucket, "lake/" + file));
        using var connection = S3Connection.Open(places.Options());
        var lake = LakePlace.Open(Path.GetTempPath(), connection, new Dictionary<string, string>());
        var view = BankView.View(true);
        view = view with { Source = view.Source with { Path = source } };
        Assert.Equal(1L, Assert.Single(new FeatureReader(lake, 3).Show(view, 8 * BankView.Day, "u1", CancellationToken.None)).Values[0]);
        Assert.Contains("fstore: s3:", Assert.Throws<DeltaException>(() => new FeatureReader(Path.GetTempPath(), 3).Show(view, 1, null, CancellationToken.None)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LocalFiles_MoreThanTheCacheHolds_LeavesTheLastUsed()
    {
        await using var places = await TestPlaces.OpenAsync(StoreKind.S3);
        for (var n = 0; n < 4; n++)
        {
            places.Server!.Set(TestPlaces.Bucket, $"lake/f{n}", new byte[1 << 20]);
        }

        using (var first = S3Connection.Open(places.Options()))
        {
            foreach (var name in new[] { "f0", "f1", "f2", "f0" })
            {
                _ = first.Place($"s3://{TestPlaces.Bucket}/lake").LocalFiles([name]);
            }
        }

        // Another process, so nothing that the first used is in use.
        using var second = S3Connection.Open(places.Options(o => o with { CacheBytes = 2 << 20 }));
        _ = second.Place($"s3://{TestPlaces.Bucket}/lake").LocalFiles(["f3"]);
        Assert.Equal(["f0", "f3"], Directory.EnumerateFiles(places.Options().CacheFolder, "f?", SearchOption.AllDirectories).Select(Path.GetFileName).Order());

        // What has other bytes now is another file.
        places.Server!.Set(TestPlaces.Bucket, "lake/f0", [7]);
        Assert.Equal([7], await File.ReadAllBytesAsync(second.Place($"s3://{TestPlaces.Bucket}/lake").LocalFiles(["f0"])[0]));
    }

    [Fact]
    public async Task Vacuum_PartsThatBrokenRunsHadSent_AreDeletedWhenTheyAreOld()
    {
        await using var places = await TestPlaces.OpenAsync(StoreKind.S3);
        PlaceTableTests.Append(places.Lake, 1);
        using var connection = S3Connection.Open(places.Options());
        foreach (var key in (string[])[$"lake/{Table}/__commit_date=1970-01-01/part-1.parquet", "lake/cdc/transactions-of-another/part-2.parquet"])
        {
            connection.Requests.Send("An upload is begun", (c, a) => c.InitiateMultipartUploadAsync(TestPlaces.Bucket, key, a.Token));
        }

        var root = places.Lake.Below(Table);
        Assert.Empty(new Vacuum(root).Run(null, isShortAllowed: false, isDryRun: false, CancellationToken.None).Uploads);
        var later = new TestClock(DateTimeOffset.UtcNow.AddHours(25));
        Assert.Single(new Vacuum(root, later).Run(null, isShortAllowed: false, isDryRun: true, CancellationToken.None).Uploads);
        Assert.Equal(2, places.Server!.PendingUploads);
        var vacuum = new Vacuum(root, later).Run(null, isShortAllowed: false, isDryRun: false, CancellationToken.None);
        Assert.Equal(["__commit_date=1970-01-01/part-1.parquet"], vacuum.Uploads);
        Assert.Empty(vacuum.Paths);
        Assert.Equal(1, places.Server.PendingUploads);

        // A key that may not list them is no reason to keep other files.
        places.Server.Fault = s => s.Target.Contains("uploads", StringComparison.Ordinal) ? S3Fault.Refuses : S3Fault.None;
        Assert.Empty(new Vacuum(root, later).Run(null, isShortAllowed: false, isDryRun: false, CancellationToken.None).Uploads);
    }
}
