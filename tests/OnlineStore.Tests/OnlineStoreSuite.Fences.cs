using FeatureStore.Contract.Rows;

namespace FeatureStore.OnlineStore.Tests;

/// <summary>Fences and marks.</summary>
public abstract partial class OnlineStoreSuite
{
    [SkippableFact]
    public async Task RaiseFence_HigherAndLower_OnlyTheHighestMayWrite()
    {
        Assert.Equal([default, default], await Store.FencesAsync([Weekly, People], CancellationToken.None));
        Assert.Equal(9, await Store.RaiseFenceAsync(Weekly, 9, CancellationToken.None));
        Assert.Equal(10, await Store.RaiseFenceAsync(Weekly, 10, CancellationToken.None));
        Assert.Equal(10, await Store.RaiseFenceAsync(Weekly, 9, CancellationToken.None));
        Assert.Equal([new OnlineFence(10, null), default, default], await Store.FencesAsync([Weekly, People, Stranger], CancellationToken.None));
        foreach (var fence in new long[] { 9, 11 })
        {
            var refusal = await Assert.ThrowsAsync<FenceLostException>(() => WriteFencedAsync(Weekly, fence, Row(1, 5, [32, 1], []), Row(2, 5, [32, 1], [])));
            Assert.Equal(10, refusal.Standing);
        }

        Assert.All(await ReadAsync(Weekly, Key(1), Key(2)), r => Assert.Null(r.EventTimeMicros));
        Assert.Equal(new OnlineWriteCounts(1, 0), await WriteFencedAsync(Weekly, 10, Row(1, 5, [32, 1], [])));
        Assert.Equal(new OnlineWriteCounts(1, 0), await WriteAsync(Weekly, OnlineWriteRule.NewerWins, Row(1, 6, [32, 2], [])));
    }

    [SkippableFact]
    public async Task MarkWhole_ByTheHolderOnly_StaysWhileAnotherWrites()
    {
        await Assert.ThrowsAsync<FenceLostException>(() => Store.MarkWholeAsync(Weekly, 3, CancellationToken.None));
        await Store.RaiseFenceAsync(Weekly, 3, CancellationToken.None);
        await Store.MarkWholeAsync(Weekly, 3, CancellationToken.None);
        await Store.RaiseFenceAsync(Weekly, 4, CancellationToken.None);
        Assert.Equal([new OnlineFence(4, 3)], await Store.FencesAsync([Weekly], CancellationToken.None));
        Assert.Equal(4, (await Assert.ThrowsAsync<FenceLostException>(() => Store.MarkWholeAsync(Weekly, 3, CancellationToken.None))).Standing);
        await Store.MarkWholeAsync(Weekly, 4, CancellationToken.None);
        Assert.Equal([new OnlineFence(4, 4)], await Store.FencesAsync([Weekly], CancellationToken.None));
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Fence_OfARemovedTable_IsGoneAndRefusesItsHolder(bool withItsTable)
    {
        await Store.RaiseFenceAsync(Weekly, 3, CancellationToken.None);
        await Store.MarkWholeAsync(Weekly, 3, CancellationToken.None);
        await Store.RaiseFenceAsync(People, 4, CancellationToken.None);
        for (var times = 0; times < 2; times++)
        {
            await (withItsTable
                ? Store.RemoveTablesAsync([Weekly], UserKeys, CancellationToken.None)
                : Store.RemoveFencesAsync([Weekly], CancellationToken.None));
            Assert.Equal([default, new OnlineFence(4, null)], await Store.FencesAsync([Weekly, People], CancellationToken.None));
        }

        await Store.EnsureTablesAsync([Weekly], CancellationToken.None);
        var refusal = await Assert.ThrowsAsync<FenceLostException>(() => WriteFencedAsync(Weekly, 3, Row(1, 5, [32, 1], [])));
        Assert.Null(refusal.Standing);
        Assert.Equal(new OnlineWriteCounts(1, 0), await WriteFencedAsync(People, 4, Row(1, 5, [32, 1])));
    }

    private Task<OnlineWriteCounts> WriteFencedAsync(OnlineTable table, long fence, params EncodedRow[] rows) =>
        Store.WriteAsync(table, rows, new OnlineWrite(OnlineWriteRule.NewerOrEqualWins, fence), CancellationToken.None);
}
