namespace FeatureStore.Scoring.Tests.Store;

/// <summary>What a process that was killed leaves behind, after each of its steps.</summary>
public sealed class InterruptedStoreTests : IDisposable
{
    private readonly StoreFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Add_AfterAnAddThatWasKilled_SeesNothingOfItAndClearsIt(int filesWritten)
    {
        var store = _fixture.Store;
        store.Add(StoreFixture.Submission("xgb-native-shallow"));
        store.Promote(StoreFixture.Name, "1", StoreFixture.Fingerprint);
        var orphan = Path.Combine(_fixture.Folder, ".incoming-0123");
        Directory.CreateDirectory(orphan);
        foreach (var file in new[] { "model.onnx", "source.ubj", "manifest.json" }.Take(filesWritten))
        {
            File.Copy(Path.Combine(_fixture.Folder, "1", file), Path.Combine(orphan, file));
        }

        Assert.Single(store.List());
        Assert.Equal("1", store.LiveVersion(StoreFixture.Name));
        Assert.Equal("2", store.Add(StoreFixture.Submission()).Version);
        Assert.False(Directory.Exists(orphan));
    }

    [Fact]
    public void Promote_AfterAPromoteThatWasKilledBeforeItsRename_GoesOnFromTheOldPointer()
    {
        var store = _fixture.Store;
        store.Add(StoreFixture.Submission());
        store.Add(StoreFixture.Submission());
        store.Promote(StoreFixture.Name, "1", StoreFixture.Fingerprint);
        File.WriteAllText(Path.Combine(_fixture.Folder, "live.json.0123.tmp"), "{\"version\":\"2\",\"bef");
        Assert.Equal("1", store.LiveVersion(StoreFixture.Name));
        store.Promote(StoreFixture.Name, "2", StoreFixture.Fingerprint);
        Assert.Equal("1", store.Rollback(StoreFixture.Name, _ => StoreFixture.Fingerprint).Version);
    }
}
