using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OfflineStore.Lake.Places.S3;
using FeatureStore.OfflineStore.Lake.Upkeep;
using FeatureStore.OfflineStore.Tests.Features;
using FeatureStore.OfflineStore.Tests.Lake.Upkeep;
using FeatureStore.Tests.Servers;

namespace FeatureStore.OfflineStore.Tests.Lake.Places;

/// <summary>A real server of the S3 protocol without conditional writes: the probe finds that out, and the lease keeps writers apart.</summary>
public sealed class SwiftTests : IDisposable
{
    private const string Table = "cdc/transactions";
    private readonly string _cache = Directory.CreateTempSubdirectory("swift-cache").FullName;

    public void Dispose() => Directory.Delete(_cache, recursive: true);

    [SkippableFact]
    public async Task Lake_OnSwift_IsWrittenByOneAtATimeAndReadAsElsewhere()
    {
        await using var server = await SwiftServer.StartAsync("transaction-data");
        using var connection = Open(server);
        var lake = Place(connection);
        PlaceTableTests.Append(lake, 1);
        await Task.WhenAll(Enumerable.Range(0, 2).Select(w => Task.Run(() =>
        {
            using var own = Open(server);
            for (var n = 1; n <= 3; n++)
            {
                PlaceTableTests.Append(Place(own), n, $"writer{w}");
            }
        })));
        var newest = new DeltaLog(lake.Below(Table)).Read(CancellationToken.None)!;
        Assert.Equal((6L, 14), (newest.Version, PlaceTableTests.Rows(lake, newest).Count));
        Assert.DoesNotContain(lake.AllNames(), n => n.Contains("_fstore_", StringComparison.Ordinal));

        Assert.Equal(2, PlaceTableTests.Compute(lake));
        Assert.Single(new FeatureReader(lake, 3).Show(BankView.View(true), 8 * BankView.Day, "u1", CancellationToken.None));
        Assert.Equal(1, new Compactor(lake.Below(Table)).Run(Compactor.TargetBytesDefault, CancellationToken.None).FilesAdded);

        // Its times are whole seconds, rounded up, so the last commit lies ahead of this machine's clock.
        var later = new TestClock(DateTimeOffset.UtcNow.AddMinutes(1));
        Assert.Equal(newest.Files.Count, new Vacuum(lake.Below(Table), later).Run(TimeSpan.Zero, isShortAllowed: true, isDryRun: false, CancellationToken.None).Paths.Count);
        Assert.Equal([Table, "features/weekly"], LakeFolder.Tables(lake, CancellationToken.None).Select(t => t.Path));
        Assert.Empty(new TableCheck(lake.Below(Table)).Run(CancellationToken.None).Faults);

        using (lake.Below(Table).Lock())
        {
            using var other = Open(server);
            Assert.Contains("another run is writing this table", Assert.Throws<DeltaException>(() => PlaceTableTests.Append(Place(other), 5)).Message, StringComparison.Ordinal);
        }

        var draft = lake.Draft("big");
        await File.WriteAllBytesAsync(draft, [.. Enumerable.Range(0, 11 << 20).Select(i => (byte)(i * 7))]);
        var bytes = await File.ReadAllBytesAsync(draft);
        lake.Publish(draft, "t/big.bin");
        Assert.Equal(bytes, await File.ReadAllBytesAsync(lake.LocalFiles(["t/big.bin"])[0]));
    }

    [SkippableFact]
    public async Task Append_SwiftPausedForLong_FailsByNameAndLandsLaterOnce()
    {
        await using var server = await SwiftServer.StartAsync("transaction-data");
        using var connection = Open(server, o => o with { Timeout = TimeSpan.FromSeconds(1), Attempts = 2 });
        PlaceTableTests.Append(Place(connection), 1);
        server.Proxy.Pause();
        Assert.Throws<S3Exception>(() => PlaceTableTests.Append(Place(connection), 2));
        server.Proxy.Resume();
        using var again = Open(server);
        PlaceTableTests.Append(Place(again), 2);
        PlaceTableTests.Append(Place(again), 2);
        Assert.Equal(1, new DeltaLog(Place(again).Below(Table)).Read(CancellationToken.None)!.Version);
    }

    private static LakePlace Place(S3Connection connection) => connection.Place("s3://transaction-data/lake");

    private S3Connection Open(SwiftServer server, Func<S3Options, S3Options>? change = null)
    {
        var options = new S3Options(
            server.Endpoint, "us-east-1", SwiftServer.AccessKey, SwiftServer.SecretKey, PathStyle: true, ConditionalPut.Auto, _cache, 64 << 20, TimeSpan.FromSeconds(20), 8, 5 << 20)
        {
            Pause = TimeSpan.FromMilliseconds(50),
        };
        return S3Connection.Open(change is null ? options : change(options));
    }
}
