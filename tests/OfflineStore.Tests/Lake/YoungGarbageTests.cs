using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Tests.Lake;

/// <summary>The job's own bound on new objects, whatever the processor's cache makes of the collector's.</summary>
public sealed class YoungGarbageTests
{
    [Fact]
    public void Bound_AfterMoreThanSixteenMiBOfNewObjects_Collects()
    {
        var garbage = new YoungGarbage();
        for (var i = 0; i < 40; i++)
        {
            GC.KeepAlive(new byte[1 << 20]);
        }

        var before = GC.CollectionCount(0);
        garbage.Bound();
        Assert.True(GC.CollectionCount(0) > before);
    }
}
