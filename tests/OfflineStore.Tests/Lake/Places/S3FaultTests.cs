using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places.S3;
using FeatureStore.OfflineStore.Lake.Upkeep;
using FeatureStore.Tests.Servers;
using FeatureStore.Tests.Servers.S3;

namespace FeatureStore.OfflineStore.Tests.Lake.Places;

/// <summary>Whatever goes wrong between here and the server, a commit lands once or not at all, and a repeated run makes it whole.</summary>
public sealed class S3FaultTests
{
    private const string Table = "cdc/transactions";

    [SkippableTheory]
    [InlineData(StoreKind.S3, S3Fault.LosesAnswer)]
    [InlineData(StoreKind.S3, S3Fault.FailsAfterApplying)]
    [InlineData(StoreKind.S3, S3Fault.SlowDown)]
    [InlineData(StoreKind.S3, S3Fault.Stalls)]
    [InlineData(StoreKind.S3, S3Fault.StallsAfterApplying)]
    [InlineData(StoreKind.S3, S3Fault.CutsBody)]
    [InlineData(StoreKind.S3, S3Fault.DamagesBody)]
    [InlineData(StoreKind.S3WithoutConditions, S3Fault.LosesAnswer)]
    [InlineData(StoreKind.S3WithoutConditions, S3Fault.FailsAfterApplying)]
    [InlineData(StoreKind.S3WithoutConditions, S3Fault.SlowDown)]
    [InlineData(StoreKind.S3WithoutConditions, S3Fault.CutsBody)]
    public async Task Append_AFaultAtEachRequestInTurn_LandsOnce(StoreKind kind, S3Fault fault)
    {
        TestProgram.NeedLong((kind, fault) is not ((StoreKind.S3, S3Fault.LosesAnswer or S3Fault.DamagesBody) or (StoreKind.S3WithoutConditions, S3Fault.FailsAfterApplying)));
        await using var places = await TestPlaces.OpenAsync(kind);
        var server = places.Server!;
        PlaceTableTests.Append(places.Lake, 1);
        var number = 1;

        // With the probe's requests in one case, without them in the others.
        var setting = fault == S3Fault.LosesAnswer ? ConditionalPut.Auto : kind == StoreKind.S3 ? ConditionalPut.Yes : ConditionalPut.No;
        for (var at = 0; ; at++)
        {
            var left = at;
            var isHit = false;
            server.Fault = _ => Interlocked.Decrement(ref left) == -1 && (isHit = true) ? fault : S3Fault.None;
            var lake = places.Another(o => o with { Timeout = TimeSpan.FromMilliseconds(400), ConditionalPut = setting });
            PlaceTableTests.Append(lake, ++number);
            server.Fault = _ => S3Fault.None;
            Assert.Equal((number - 1, (long)number), Newest(places));
            if (!isHit)
            {
                Assert.True(at > 4, $"a commit of {at} requests");
                break;
            }
        }

        var newest = new DeltaLog(places.Lake.Below(Table)).Read(CancellationToken.None)!;
        Assert.Equal(number * 2, PlaceTableTests.Rows(places.Another(), newest).Count);
        Assert.Empty(new TableCheck(places.Lake.Below(Table)).Run(CancellationToken.None).Faults);
    }

    [Fact]
    public async Task Append_ServerStoresOtherBytes_IsToldAndNothingCommits()
    {
        await using var places = await TestPlaces.OpenAsync(StoreKind.S3);
        PlaceTableTests.Append(places.Lake, 1);
        places.Server!.Fault = s => s.Method == "PUT" && s.Target.EndsWith(".parquet", StringComparison.Ordinal) ? S3Fault.StoresOtherBytes : S3Fault.None;
        Assert.Contains("ETag", Assert.Throws<S3Exception>(() => PlaceTableTests.Append(places.Lake, 2)).Message, StringComparison.Ordinal);
        places.Server.Fault = _ => S3Fault.None;
        Assert.Equal((0, 1L), Newest(places));
    }

    [Fact]
    public async Task Append_ServerOverloadedForLong_FailsByNameAndLandsLater()
    {
        await using var places = await TestPlaces.OpenAsync(StoreKind.S3);
        PlaceTableTests.Append(places.Lake, 1);
        places.Server!.Fault = _ => S3Fault.SlowDown;
        var message = Assert.Throws<S3Exception>(() => PlaceTableTests.Append(places.Lake, 2)).Message;
        Assert.Contains(places.Server.Endpoint.ToString(), message, StringComparison.Ordinal);
        Assert.Contains("6 attempts", message, StringComparison.Ordinal);
        Assert.DoesNotContain(S3TestServer.SecretKey, message, StringComparison.Ordinal);
        places.Server.Fault = _ => S3Fault.None;
        PlaceTableTests.Append(places.Lake, 2);
        Assert.Equal((1, 2L), Newest(places));
    }

    [Fact]
    public async Task Append_WrongKey_IsRefusedAtOnceWithTheWayOut()
    {
        await using var places = await TestPlaces.OpenAsync(StoreKind.S3);
        places.Server!.Fault = _ => S3Fault.Refuses;
        Assert.Contains("secret_key", Assert.Throws<S3Exception>(() => PlaceTableTests.Append(places.Lake, 1)).Message, StringComparison.Ordinal);
        Assert.Single(places.Server.Seen);
    }

    [Fact]
    public async Task Append_ServerPausedWithinACommit_FailsAndARepeatedRunLandsItOnce()
    {
        await using var places = await TestPlaces.OpenAsync(StoreKind.S3);
        PlaceTableTests.Append(places.Lake, 1);
        var server = places.Server!;
        var impatient = places.Another(o => o with { Timeout = TimeSpan.FromMilliseconds(300), Attempts = 2 });
        PlaceTableTests.Append(impatient, 2);
        server.Fault = s =>
        {
            if (s.IsConditional)
            {
                server.Pause();
                return S3Fault.StallsAfterApplying;
            }

            return S3Fault.None;
        };
        var message = Assert.Throws<S3Exception>(() => PlaceTableTests.Append(impatient, 3)).Message;
        Assert.Contains("did not answer", message, StringComparison.Ordinal);
        server.Fault = _ => S3Fault.None;
        server.GoOn();
        PlaceTableTests.Append(places.Another(), 3);
        Assert.Equal((2, 3L), Newest(places));
        Assert.Empty(new TableCheck(places.Lake.Below(Table)).Run(CancellationToken.None).Faults);
    }

    [Fact]
    public async Task Rows_DownloadAlwaysCut_FailsAndLeavesNothingInTheCache()
    {
        await using var places = await TestPlaces.OpenAsync(StoreKind.S3);
        PlaceTableTests.Append(places.Lake, 1);
        var newest = new DeltaLog(places.Lake.Below(Table)).Read(CancellationToken.None)!;
        var server = places.Server!;
        server.Fault = s => s.Method == "GET" && s.Target.EndsWith(".parquet", StringComparison.Ordinal) ? S3Fault.CutsBody : S3Fault.None;
        Assert.Throws<S3Exception>(() => PlaceTableTests.Rows(places.Lake, newest));
        Assert.Empty(Directory.EnumerateFiles(places.Options().CacheFolder, "*.parquet", SearchOption.AllDirectories));
        server.Fault = _ => S3Fault.None;
        Assert.Equal(2, PlaceTableTests.Rows(places.Lake, newest).Count);
        var reads = server.Seen.Count(s => s.Method == "GET" && s.Target.EndsWith(".parquet", StringComparison.Ordinal));
        Assert.Equal(2, PlaceTableTests.Rows(places.Lake, newest).Count);
        Assert.Equal(reads, server.Seen.Count(s => s.Method == "GET" && s.Target.EndsWith(".parquet", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("POST", S3Fault.LosesAnswer)]
    [InlineData("PUT", S3Fault.LosesAnswer)]
    [InlineData("PUT", S3Fault.SlowDown)]
    public async Task Publish_LargeFile_GoesInPartsWhateverIsLostOnce(string method, S3Fault fault)
    {
        await using var places = await TestPlaces.OpenAsync(StoreKind.S3);
        var place = places.Another(o => o with { PartBytes = 5 << 20 });
        var bytes = new byte[12 << 20];
        new Random(7).NextBytes(bytes);
        var draft = place.Draft("big");
        await File.WriteAllBytesAsync(draft, bytes);
        var isHit = false;
        places.Server!.Fault = s => s.Method == method && s.Query.Contains("uploadId", StringComparison.Ordinal) && !isHit && (isHit = true) ? fault : S3Fault.None;
        place.Publish(draft, "t/part-1.parquet");
        Assert.True(isHit);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(place.LocalFiles(["t/part-1.parquet"])[0]));
        Assert.Equal(0, places.Server.PendingUploads);
        Assert.False(File.Exists(draft));
    }

    [Fact]
    public async Task Publish_APartFailsForLong_IsAborted()
    {
        await using var places = await TestPlaces.OpenAsync(StoreKind.S3);
        var place = places.Another(o => o with { PartBytes = 5 << 20 });
        var draft = place.Draft("big");
        await File.WriteAllBytesAsync(draft, new byte[12 << 20]);
        places.Server!.Fault = s => s.Query.Contains("partNumber=2", StringComparison.Ordinal) ? S3Fault.SlowDown : S3Fault.None;
        Assert.Throws<S3Exception>(() => place.Publish(draft, "t/part-1.parquet"));
        Assert.Equal(0, places.Server.PendingUploads);
        Assert.Empty(places.Names());
    }

    private static (int Version, long Progress) Newest(TestPlaces places)
    {
        var newest = new DeltaLog(places.Another().Below(Table)).Read(CancellationToken.None)!;
        return ((int)newest.Version, newest.Txn["app"]);
    }
}
