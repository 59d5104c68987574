using FeatureStore.Contract.Rows;
using FeatureStore.Jobs.Materialize;
using FeatureStore.Jobs.Parity;
using FeatureStore.OnlineStore;

namespace FeatureStore.Jobs.Tests.Materialize;

public sealed class MaterializeTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 2, 0, 0, 0, TimeSpan.Zero);
    private static readonly OnlineTable Table = new("bank", "weekly", ["count", "total"]);

    [Fact]
    public void Between_StartAfterEnd_IsRefused() =>
        Assert.Throws<MaterializeRangeException>(() => MaterializeRange.Between(Now, Now.AddTicks(-1), Now));

    [Fact]
    public void Between_EndInTheFuture_IsRefused() =>
        Assert.Throws<MaterializeRangeException>(() => MaterializeRange.Between(Now.AddDays(-1), Now.AddTicks(1), Now));

    [Fact]
    public void Between_StartEqualsEnd_IsOneInstant() => Assert.Equal(Now, MaterializeRange.Between(Now, Now, Now).Start);

    [Fact]
    public void Incremental_AfterARun_StartsAtItsEnd() =>
        Assert.Equal(Now.AddDays(-3), MaterializeRange.Incremental(Now.AddDays(-3), TimeSpan.FromDays(1), Now, Now).Start);

    [Fact]
    public void Incremental_FirstRun_ReachesBackByTtl() =>
        Assert.Equal(Now.AddDays(-14), MaterializeRange.Incremental(null, TimeSpan.FromDays(14), Now, Now).Start);

    [Fact]
    public void Incremental_FirstRunWithoutTtl_ReachesBack52Weeks() =>
        Assert.Equal(Now.AddDays(-364), MaterializeRange.Incremental(null, TimeSpan.Zero, Now, Now).Start);

    [Fact]
    public void Incremental_EndBeforeItsStart_IsRefusedAndSaysWhereItBegins()
    {
        // Recorded of Feast 0.67: it noted 2026-11-15T23:04:59 to 2026-10-31 and succeeded.
        var now = new DateTimeOffset(2026, 11, 22, 23, 4, 59, TimeSpan.Zero);
        var e = Assert.Throws<MaterializeRangeException>(() => MaterializeRange.Incremental(null, TimeSpan.FromDays(7), new DateTimeOffset(2026, 10, 31, 0, 0, 0, TimeSpan.Zero), now));
        Assert.Contains("2026-11-15 23:04:59Z", e.Message, StringComparison.Ordinal);
        Assert.Contains("last run", Assert.Throws<MaterializeRangeException>(() => MaterializeRange.Incremental(Now, TimeSpan.Zero, Now.AddTicks(-1), now)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Repeated_LeavesTheSameRowsAndParityHolds()
    {
        await using var store = new InMemoryOnlineStore();
        IReadOnlyList<EncodedRow>[] batches = [[Row(1, 100, 1), Row(2, 100, 2)], [Row(3, 50, 3)]];
        var first = await new Materializer(store).RunAsync(Table, batches, OnlineWriteRule.NewerOrEqualWins, null, CancellationToken.None);
        var second = await new Materializer(store).RunAsync(Table, batches, OnlineWriteRule.NewerOrEqualWins, null, CancellationToken.None);
        var parity = await new ParityCheck(store).RunAsync(Table, batches, CancellationToken.None);

        Assert.Equal(new MaterializeCounts(3, 3, 0), first);
        Assert.Equal(first, second);
        Assert.Equal(3, store.Rows.Count);
        Assert.Equal((3, 3, 0), (parity.Total, parity.Equal, parity.Ahead));
        Assert.True(parity.Passed);
    }

    [Fact]
    public async Task Run_CorrectedRowOfEqualEventTime_ReachesTheStore()
    {
        await using var store = new InMemoryOnlineStore();
        await new Materializer(store).RunAsync(Table, [[Row(1, 100, 1)]], OnlineWriteRule.NewerOrEqualWins, null, CancellationToken.None);
        await new Materializer(store).RunAsync(Table, [[Row(1, 100, 9)]], OnlineWriteRule.NewerOrEqualWins, null, CancellationToken.None);
        Assert.Equal(9, store.Rows.Single().Value.Values[0][0]);
    }

    [Fact]
    public async Task Parity_WrongMissingAndAheadRows_AreToldApart()
    {
        await using var store = new InMemoryOnlineStore();
        await new Materializer(store).RunAsync(Table, [[Row(1, 100, 1), Row(2, 100, 7), Row(3, 200, 1)]], OnlineWriteRule.NewerOrEqualWins, null, CancellationToken.None);
        IReadOnlyList<EncodedRow>[] truth = [[Row(1, 100, 1), Row(2, 100, 2), Row(3, 100, 1), Row(4, 100, 1)]];

        var report = await new ParityCheck(store).RunAsync(Table, truth, CancellationToken.None);

        Assert.False(report.Passed);
        Assert.Equal((4, 1, 1), (report.Total, report.Equal, report.Ahead));
        Assert.Equal(["02", "04"], report.FirstDifferences.Select(d => d.EntityKeyHex));
        Assert.Equal("count is no value (0x07) online and no value (0x02) offline", report.FirstDifferences[0].Reason);
        Assert.Equal("no online row", report.FirstDifferences[1].Reason);
    }

    [Fact]
    public async Task Parity_OlderOnlineRow_IsADifference()
    {
        await using var store = new InMemoryOnlineStore();
        await new Materializer(store).RunAsync(Table, [[Row(1, 3_000_000, 1)]], OnlineWriteRule.NewerOrEqualWins, null, CancellationToken.None);
        var report = await new ParityCheck(store).RunAsync(Table, [[Row(1, 4_500_000, 1)]], CancellationToken.None);
        Assert.False(report.Passed);
    }

    [Fact]
    public async Task Parity_TimeCutToTheSecond_IsEqual()
    {
        await using var store = new InMemoryOnlineStore();
        await new Materializer(store).RunAsync(Table, [[Row(1, 4_000_000, 1)]], OnlineWriteRule.NewerOrEqualWins, null, CancellationToken.None);
        var report = await new ParityCheck(store).RunAsync(Table, [[Row(1, 4_500_000, 1)]], CancellationToken.None);
        Assert.True(report.Passed);
    }

    private static EncodedRow Row(byte key, long micros, byte value) => new([key], micros, null, [[value], []]);
}
