using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Features;

namespace FeatureStore.OfflineStore.Tests.Features;

public sealed class KeyPartsTests
{
    [Theory]
    [InlineData(1, 100)]
    [InlineData(3, 100)]
    [InlineData(1, 1)]
    public void Run_PartsThatAreTooLarge_AreSplitUntilEachKeyIsDoneOnce(int parts, int most)
    {
        var keys = Enumerable.Range(0, 1_000).ToList();
        var done = new List<int>();
        KeyParts.Run(parts, (part, of) =>
        {
            var mine = keys.Where(k => k % of == part).ToList();
            if (mine.Count > most)
            {
                throw new DuckDbException("Out of Memory Error: as DuckDB says it");
            }

            done.AddRange(mine);
        });

        Assert.Equal(keys, done.Order());
    }

    [Fact]
    public void Run_OtherFaultsAndWhatNoSplitHelps_AreTold()
    {
        var runs = 0;
        Assert.Throws<DuckDbException>(() => KeyParts.Run(1, (_, _) => throw new DuckDbException($"IO Error, run {++runs}")));
        Assert.Equal(1, runs);
        Assert.True(Assert.Throws<DuckDbException>(() => KeyParts.Run(1, (_, _) => throw new DuckDbException("Out of Memory Error"))).IsOutOfMemory);
    }
}
