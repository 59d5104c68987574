using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;

namespace FeatureStore.OnlineStore.Tests;

/// <summary>What every online store must do; each store's tests derive from it.</summary>
public abstract partial class OnlineStoreSuite : IAsyncLifetime
{
    private const long Second = 1_000_000;
    private const string Project = "bank_features";
    private static readonly OnlineTable Weekly = new(Project, "weekly", ["count", "total"]);
    private static readonly OnlineTable People = new(Project, "people", ["age"]);
    private static readonly OnlineTable Stranger = new("x_" + Project, "weekly", ["count", "total"]);
    private static readonly OnlineTable Pairs = new(Project, "pairs", ["spend"]);
    private static readonly EntityKeyShape UserKeys = new(["user_id"], 3);

    protected abstract IOnlineStore Store { get; }

    public virtual Task InitializeAsync() => Store.EnsureTablesAsync([Weekly, People, Stranger, Pairs], CancellationToken.None);

    public virtual Task DisposeAsync() => Store.DisposeAsync().AsTask();

    [SkippableFact]
    public async Task EnsureTables_Twice_KeepsTheRows()
    {
        await WriteAsync(Weekly, OnlineWriteRule.NewerWins, Row(1, 5, [32, 1], []));
        await Store.EnsureTablesAsync([Weekly, People], CancellationToken.None);
        Assert.Equal([32, 1], (await ReadAsync(Weekly, Key(1)))[0].Values[0]);
    }

    [SkippableFact]
    public async Task Read_UnknownKey_HasNoTimeAndNoValues()
    {
        var read = (await ReadAsync(Weekly, Key(9)))[0];
        Assert.Null(read.EventTimeMicros);
        Assert.Equal([null, null], read.Values);
    }

    [SkippableFact]
    public async Task Read_NoKeysOrNoTables_IsEmpty()
    {
        Assert.Equal([[], []], await Store.ReadAsync([Weekly, People], [], CancellationToken.None));
        Assert.Equal([], await Store.ReadAsync([], [Key(1)], CancellationToken.None));
    }

    [SkippableFact]
    public async Task Read_StoredNull_IsEmptyAndNotAbsent()
    {
        await WriteAsync(Weekly, OnlineWriteRule.NewerWins, Row(1, 5, [32, 7], []));
        var read = (await ReadAsync(Weekly, Key(1)))[0];
        Assert.Equal(5 * Second, read.EventTimeMicros);
        Assert.Equal([32, 7], read.Values[0]);
        Assert.Empty(Assert.IsType<byte[]>(read.Values[1]));
    }

    [SkippableFact]
    public async Task Read_FieldNeverWritten_IsAbsent()
    {
        await WriteAsync(Weekly, OnlineWriteRule.NewerWins, Row(1, 5, [32, 7], []));
        var read = (await ReadAsync(Weekly with { Features = ["total", "added_later", "count"] }, Key(1)))[0];
        Assert.Empty(Assert.IsType<byte[]>(read.Values[0]));
        Assert.Null(read.Values[1]);
        Assert.Equal([32, 7], read.Values[2]);
    }

    [SkippableFact]
    public async Task Read_SeveralTablesAndKeys_AnswersInTheirOrder()
    {
        await WriteAsync(Weekly, OnlineWriteRule.NewerWins, Row(1, 5, [32, 1], [32, 2]), Row(2, 6, [32, 3], [32, 4]));
        await WriteAsync(People, OnlineWriteRule.NewerWins, Row(2, 7, [32, 5]));
        var reads = await Store.ReadAsync([People, Weekly, People], [Key(2), Key(1), Key(2)], CancellationToken.None);
        Assert.Equal([7 * Second, null, 7 * Second], reads[0].Select(r => r.EventTimeMicros));
        Assert.Equal([6 * Second, 5 * Second, 6 * Second], reads[1].Select(r => r.EventTimeMicros));
        Assert.Equal([7 * Second, null, 7 * Second], reads[2].Select(r => r.EventTimeMicros));
        Assert.Equal([32, 5], reads[0][2].Values[0]);
        Assert.Equal([[32, 3], [32, 4]], reads[1][2].Values);
        Assert.Equal([[32, 1], [32, 2]], reads[1][1].Values);
    }

    [SkippableFact]
    public async Task Read_ManyFeatures_FindsEach()
    {
        var wide = new OnlineTable(Project, "wide", [.. Enumerable.Range(0, 275).Select(i => $"f{i}")]);
        await Store.EnsureTablesAsync([wide], CancellationToken.None);
        var row = new EncodedRow(Key(1), 5 * Second, null, [.. Enumerable.Range(0, 275).Select(i => i % 7 == 0 ? [] : ValueBytes.Int64(i))]);
        await WriteAsync(wide, OnlineWriteRule.NewerWins, row);
        await WriteAsync(Weekly, OnlineWriteRule.NewerWins, Row(1, 6, [32, 1], []));
        Assert.Equal(row.Values, (await ReadAsync(wide, Key(1), Key(2)))[0].Values);
        var some = wide with { Features = ["f3", "f274", "f0", "f3"] };
        Assert.Equal([row.Values[3], row.Values[274], [], row.Values[3]], (await ReadAsync(some, Key(1)))[0].Values);
    }

    [SkippableTheory]
    [InlineData(OnlineWriteRule.NewerWins, 4, 1)]
    [InlineData(OnlineWriteRule.NewerWins, 5, 1)]
    [InlineData(OnlineWriteRule.NewerWins, 6, 2)]
    [InlineData(OnlineWriteRule.NewerOrEqualWins, 4, 1)]
    [InlineData(OnlineWriteRule.NewerOrEqualWins, 5, 2)]
    [InlineData(OnlineWriteRule.NewerOrEqualWins, 6, 2)]
    [InlineData(OnlineWriteRule.Replaces, 4, 2)]
    [InlineData(OnlineWriteRule.Replaces, 5, 2)]
    public async Task Write_SecondRow_ObeysTheRule(OnlineWriteRule rule, long seconds, byte expected)
    {
        await WriteAsync(Weekly, rule, Row(1, 5, [32, 1], [32, 1]));
        var counts = await WriteAsync(Weekly, rule, Row(1, seconds, [32, 2], [32, 2]));
        var read = (await ReadAsync(Weekly, Key(1)))[0];
        Assert.Equal([32, expected], read.Values[0]);
        Assert.Equal([32, expected], read.Values[1]);
        Assert.Equal(expected == 2 ? new OnlineWriteCounts(1, 0) : new OnlineWriteCounts(0, 1), counts);
    }

    [SkippableTheory]
    [InlineData(0, -7)]
    [InlineData(0, 0)]
    [InlineData(-7, -9)]
    [InlineData(-62_135_596_800, -62_135_596_800)]
    public async Task Write_StoredTimeAtOrBeforeTheEpoch_CountsAsNone(long stored, long seconds)
    {
        await WriteAsync(Weekly, OnlineWriteRule.NewerWins, Row(1, stored, [32, 1], []));
        await WriteAsync(Weekly, OnlineWriteRule.NewerWins, Row(1, seconds, [32, 2], []));
        var read = (await ReadAsync(Weekly, Key(1)))[0];
        Assert.Equal(seconds * Second, read.EventTimeMicros);
        Assert.Equal([32, 2], read.Values[0]);
        Assert.Equal(new OnlineWriteCounts(1, 1), await WriteAsync(
            Weekly, OnlineWriteRule.NewerWins, Row(1, 3, [32, 3], []), Row(1, -1, [32, 4], [])));
    }

    [SkippableTheory]
    [InlineData(OnlineWriteRule.NewerWins, 2)]
    [InlineData(OnlineWriteRule.NewerOrEqualWins, 3)]
    public async Task Write_RowsOfOneKeyInABatch_AreDecidedOneByOne(OnlineWriteRule rule, byte expected)
    {
        var counts = await WriteAsync(
            Weekly, rule, Row(1, 5, [32, 1], []), Row(2, 1, [32, 9], []), Row(1, 6, [32, 2], []), Row(1, 6, [32, 3], []), Row(1, 5, [32, 4], []));
        Assert.Equal([32, expected], (await ReadAsync(Weekly, Key(1)))[0].Values[0]);
        Assert.Equal([32, 9], (await ReadAsync(Weekly, Key(2)))[0].Values[0]);
        Assert.Equal(new OnlineWriteCounts(expected + 1, 4 - expected), counts);
    }

    [SkippableFact]
    public async Task Write_AnyOrderWithinABatch_LeavesTheNewest()
    {
        for (var seed = 0; seed < 24; seed++)
        {
            var key = (byte)(100 + seed);
            var rows = Enumerable.Range(1, 4).Select(i => Row(key, i, [32, (byte)i], [])).ToArray();
            new Random(seed).Shuffle(rows);
            await WriteAsync(Weekly, OnlineWriteRule.NewerWins, rows);
            Assert.Equal((seed, 4), (seed, (await ReadAsync(Weekly, Key(key)))[0].Values[0]![1]));
        }
    }

    [SkippableFact]
    public async Task Write_LargeBatch_IsReadBackWhole()
    {
        var rows = Enumerable.Range(0, 2500).Select(i => new EncodedRow(Key(i), (i + 1) * Second, null, [ValueBytes.Int64(i), []])).ToArray();
        Assert.Equal(new OnlineWriteCounts(2500, 0), await WriteAsync(Weekly, OnlineWriteRule.NewerWins, rows));
        var reads = (await Store.ReadAsync([Weekly], [.. rows.Select(r => r.EntityKey)], CancellationToken.None))[0];
        Assert.All(reads.Select((r, i) => (r, i)), x => Assert.Equal(ValueBytes.Int64(x.i), x.r.Values[0]));
        Assert.Equal(rows.Select(r => (long?)r.EventTimeMicros), reads.Select(r => r.EventTimeMicros));
    }

    [SkippableFact]
    public async Task RemoveRows_OfTwoEntities_LeavesAllOthers()
    {
        await FillAsync();
        for (var times = 0; times < 2; times++)
        {
            await Store.RemoveRowsAsync([Weekly], [Key(1), Key(2), Key(77)], CancellationToken.None);
            Assert.Equal([null, null, 5 * Second], (await ReadAsync(Weekly, Key(1), Key(2), Key(3))).Select(r => r.EventTimeMicros));
            await AssertOthersAsync();
        }

        await WriteAsync(Weekly, OnlineWriteRule.NewerWins, Row(1, 1, [32, 8], []));
        Assert.Equal([32, 8], (await ReadAsync(Weekly, Key(1)))[0].Values[0]);
    }

    [SkippableFact]
    public async Task RemoveTables_Twice_LeavesSistersAndOtherProjects()
    {
        await FillAsync();
        for (var times = 0; times < 2; times++)
        {
            await Store.RemoveTablesAsync([Weekly], UserKeys, CancellationToken.None);
            await Store.EnsureTablesAsync([Weekly], CancellationToken.None);
            Assert.All(await ReadAsync(Weekly, Key(1), Key(2), Key(3)), r => Assert.Null(r.EventTimeMicros));
            await AssertOthersAsync();
        }
    }

    protected static byte[] Key(int number) => EntityKeyEncoder.Encode([("user_id", new Value { StringVal = $"u{number:0000}" })], 3);

    private static byte[] PairKey(string user, string zone) => EntityKeyEncoder.Encode(
        [("user_id", new Value { StringVal = user }), ("zone", new Value { StringVal = zone })], 3);

    private static EncodedRow Row(int key, long seconds, params byte[][] values) => new(Key(key), seconds * Second, null, values);

    private async Task FillAsync()
    {
        foreach (var table in new[] { Weekly, Stranger })
        {
            await WriteAsync(table, OnlineWriteRule.NewerWins, [.. Enumerable.Range(1, 3).Select(i => Row(i, 5, [32, 1], [32, 2]))]);
        }

        await WriteAsync(People, OnlineWriteRule.NewerWins, Row(1, 5, [32, 3]));
        await WriteAsync(Pairs, OnlineWriteRule.NewerWins, new EncodedRow(PairKey("u0001", Project), 5 * Second, null, [[32, 6]]));
    }

    private async Task AssertOthersAsync()
    {
        Assert.All(await ReadAsync(Stranger, Key(1), Key(2), Key(3)), r => Assert.Equal([[32, 1], [32, 2]], r.Values));
        Assert.Equal([32, 3], (await ReadAsync(People, Key(1)))[0].Values[0]);
        Assert.Equal([32, 6], (await ReadAsync(Pairs, PairKey("u0001", Project)))[0].Values[0]);
    }

    private async Task<OnlineRead[]> ReadAsync(OnlineTable table, params byte[][] keys) =>
        (await Store.ReadAsync([table], keys, CancellationToken.None))[0];

    private Task<OnlineWriteCounts> WriteAsync(OnlineTable table, OnlineWriteRule rule, params EncodedRow[] rows) =>
        Store.WriteAsync(table, rows, rule, CancellationToken.None);
}
