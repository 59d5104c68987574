using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;

namespace FeatureStore.OnlineStore.Tests;

/// <summary>What every online store must do; each store's tests derive from it.</summary>
public abstract class OnlineStoreSuite : IAsyncLifetime
{
    private const long Second = 1_000_000;
    private static readonly OnlineTable Weekly = new("bank_features", "weekly", ["count", "total"]);
    private static readonly OnlineTable People = new("bank_features", "people", ["age"]);

    protected abstract IOnlineStore Store { get; }

    public virtual Task InitializeAsync() => Store.EnsureTablesAsync([Weekly, People], CancellationToken.None);

    public virtual Task DisposeAsync() => Store.DisposeAsync().AsTask();

    [SkippableFact]
    public async Task Read_UnknownKey_HasNoTimeAndNoValues()
    {
        var read = (await ReadAsync(Weekly, [9]))[0];
        Assert.Null(read.EventTimeMicros);
        Assert.Equal([null, null], read.Values);
    }

    [SkippableFact]
    public async Task Read_StoredNull_IsEmptyAndNotAbsent()
    {
        await WriteAsync(Weekly, OnlineWriteRule.NewerWins, Row(1, 5, [32, 7], []));
        var read = (await ReadAsync(Weekly, [1]))[0];
        Assert.Equal(5 * Second, read.EventTimeMicros);
        Assert.Equal([32, 7], read.Values[0]);
        Assert.Empty(Assert.IsType<byte[]>(read.Values[1]));
    }

    [SkippableFact]
    public async Task Read_FieldNeverWritten_IsAbsent()
    {
        await WriteAsync(Weekly, OnlineWriteRule.NewerWins, Row(1, 5, [32, 7], []));
        var read = (await ReadAsync(Weekly with { Features = ["total", "added_later", "count"] }, [1]))[0];
        Assert.Empty(Assert.IsType<byte[]>(read.Values[0]));
        Assert.Null(read.Values[1]);
        Assert.Equal([32, 7], read.Values[2]);
    }

    [SkippableTheory]
    [InlineData(OnlineWriteRule.NewerWins, 4, 1)]
    [InlineData(OnlineWriteRule.NewerWins, 5, 1)]
    [InlineData(OnlineWriteRule.NewerWins, 6, 2)]
    [InlineData(OnlineWriteRule.NewerOrEqualWins, 4, 1)]
    [InlineData(OnlineWriteRule.NewerOrEqualWins, 5, 2)]
    [InlineData(OnlineWriteRule.NewerOrEqualWins, 6, 2)]
    public async Task Write_SecondRow_ObeysTheRule(OnlineWriteRule rule, long seconds, byte expected)
    {
        await WriteAsync(Weekly, rule, Row(1, 5, [32, 1], [32, 1]));
        var counts = await WriteAsync(Weekly, rule, Row(1, seconds, [32, 2], [32, 2]));
        var read = (await ReadAsync(Weekly, [1]))[0];
        Assert.Equal([32, expected], read.Values[0]);
        Assert.Equal([32, expected], read.Values[1]);
        Assert.Equal(expected == 2 ? new OnlineWriteCounts(1, 0) : new OnlineWriteCounts(0, 1), counts);
    }

    [SkippableFact]
    public async Task Write_AnyOrderWithinABatch_LeavesTheNewest()
    {
        var rows = Enumerable.Range(1, 4).Select(i => Row(1, i, [32, (byte)i], [])).ToArray();
        for (var seed = 0; seed < 24; seed++)
        {
            await Store.TeardownAsync([Weekly], CancellationToken.None);
            await Store.EnsureTablesAsync([Weekly], CancellationToken.None);
            new Random(seed).Shuffle(rows);
            await WriteAsync(Weekly, OnlineWriteRule.NewerWins, rows);
            Assert.Equal((seed, 4), (seed, (await ReadAsync(Weekly, [1]))[0].Values[0]![1]));
        }
    }

    [SkippableFact]
    public async Task Read_SeveralTablesAndKeys_AnswersInTheirOrder()
    {
        await WriteAsync(Weekly, OnlineWriteRule.NewerWins, Row(1, 5, [32, 1], [32, 2]), Row(2, 6, [32, 3], [32, 4]));
        await WriteAsync(People, OnlineWriteRule.NewerWins, Row(2, 7, [32, 5]));
        var reads = await Store.ReadAsync([People, Weekly], [[2], [1], [2]], CancellationToken.None);
        Assert.Equal([7 * Second, null, 7 * Second], reads[0].Select(r => r.EventTimeMicros));
        Assert.Equal([6 * Second, 5 * Second, 6 * Second], reads[1].Select(r => r.EventTimeMicros));
        Assert.Equal([32, 5], reads[0][2].Values[0]);
    }

    [SkippableFact]
    public async Task Write_LargeBatch_IsReadBackWhole()
    {
        var rows = Enumerable.Range(0, 2500).Select(i => new EncodedRow(BitConverter.GetBytes(i), i * Second, null, [ValueBytes.Int64(i), []])).ToArray();
        await WriteAsync(Weekly, OnlineWriteRule.NewerWins, rows);
        var reads = (await Store.ReadAsync([Weekly], [.. rows.Select(r => r.EntityKey)], CancellationToken.None))[0];
        Assert.All(reads.Select((r, i) => (r, i)), x => Assert.Equal(ValueBytes.Int64(x.i), x.r.Values[0]));
    }

    [SkippableFact]
    public async Task Teardown_Twice_LeavesSisterTablesAlone()
    {
        await WriteAsync(Weekly, OnlineWriteRule.NewerWins, Row(1, 5, [32, 1], [32, 2]));
        await WriteAsync(People, OnlineWriteRule.NewerWins, Row(1, 5, [32, 3]));
        await Store.TeardownAsync([Weekly], CancellationToken.None);
        await Store.TeardownAsync([Weekly], CancellationToken.None);
        await Store.EnsureTablesAsync([Weekly], CancellationToken.None);
        Assert.Null((await ReadAsync(Weekly, [1]))[0].EventTimeMicros);
        Assert.Equal([32, 3], (await ReadAsync(People, [1]))[0].Values[0]);
    }

    private static EncodedRow Row(byte key, long seconds, params byte[][] values) => new([key], seconds * Second, null, values);

    private async Task<OnlineRead[]> ReadAsync(OnlineTable table, params byte[][] keys) =>
        (await Store.ReadAsync([table], keys, CancellationToken.None))[0];

    private Task<OnlineWriteCounts> WriteAsync(OnlineTable table, OnlineWriteRule rule, params EncodedRow[] rows) =>
        Store.WriteAsync(table, rows, rule, CancellationToken.None);
}
