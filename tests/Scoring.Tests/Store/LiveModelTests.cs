using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Store;
using FeatureStore.Scoring.Tests.Cases;

namespace FeatureStore.Scoring.Tests.Store;

public sealed class LiveModelTests : IDisposable
{
    private readonly StoreFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void Refresh_NewVersionIsGood_ScoresWithItWhileOldCallsEnd()
    {
        var store = _fixture.Store;
        store.Add(StoreFixture.Submission());
        store.Add(StoreFixture.Submission("histgb-vector-nan"));
        store.Promote(StoreFixture.Name, "1", StoreFixture.Fingerprint);
        using var live = LiveModel.Open(store, StoreFixture.Name, StoreFixture.Fingerprint);
        using var old = live.Acquire();
        var before = StoreFixture.Score(old.Scorer);
        Assert.False(live.Refresh(StoreFixture.Fingerprint));
        store.Promote(StoreFixture.Name, "2", StoreFixture.Fingerprint);
        Assert.True(live.Refresh(StoreFixture.Fingerprint));
        using var lease = live.Acquire();
        Assert.Equal("2", lease.Version);
        Assert.Equal(before, StoreFixture.Score(old.Scorer));
        Assert.NotEqual(before, StoreFixture.Score(lease.Scorer));
    }

    [Fact]
    public void Refresh_NewVersionIsBad_GoesOnWithTheOldOne()
    {
        var store = _fixture.Store;
        store.Add(StoreFixture.Submission());
        store.Add(StoreFixture.Submission());
        store.Promote(StoreFixture.Name, "1", StoreFixture.Fingerprint);
        using var live = LiveModel.Open(store, StoreFixture.Name, StoreFixture.Fingerprint);
        store.Promote(StoreFixture.Name, "2", StoreFixture.Fingerprint);
        File.Copy(GoldenCase.Open("bad-truncated-half").ModelPath, Path.Combine(_fixture.Folder, "2", "model.onnx"), overwrite: true);
        Assert.Throws<ModelRefusedException>(() => live.Refresh(StoreFixture.Fingerprint));
        Assert.Throws<ModelRefusedException>(() => live.Refresh("f2"));
        using var lease = live.Acquire();
        Assert.Equal("1", lease.Version);
        Assert.Equal(2, StoreFixture.Score(lease.Scorer).Length);
    }

    [Fact]
    public void Dispose_WhileACallRuns_ClosesAfterIt()
    {
        var store = _fixture.Store;
        store.Add(StoreFixture.Submission());
        store.Promote(StoreFixture.Name, "1", StoreFixture.Fingerprint);
        var live = LiveModel.Open(store, StoreFixture.Name, StoreFixture.Fingerprint);
        var lease = live.Acquire();
        live.Dispose();
        Assert.Throws<ObjectDisposedException>(live.Acquire);
        Assert.NotEmpty(StoreFixture.Score(lease.Scorer));
        lease.Dispose();
        Assert.Throws<ObjectDisposedException>(() => lease.Scorer);
    }
}
