namespace FeatureStore.OnlineStore.Tests;

public sealed class StoredValuesTests
{
    [Fact]
    public void Values_PutAbsentAndNull_AreToldApart()
    {
        StoredValues values = [[1, 2], null, []];
        Assert.Equal([[1, 2], null, []], values);
        Assert.Equal((true, false), (values.IsAbsent(1), values.IsAbsent(2)));
        Assert.Equal([1, 2], values.Bytes(0).ToArray());
        Assert.Equal([], values.Bytes(1).ToArray());
        values.Clear(0);
        Assert.Equal([[], null, []], values);
        Assert.Throws<ArgumentOutOfRangeException>(() => values[3]);
    }

    [Fact]
    public void Arena_RowsOfAllSizes_KeepTheirOwnBytes()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        const int Rows = 500;
        const int Features = 30;
        var arena = new StoredArena(Rows, Features);
        var rows = new List<(byte[]?[] Expected, StoredValues Kept)>();
        for (var row = 0; row < Rows; row++)
        {
            var expected = new byte[]?[Features];
            var sizes = Enumerable.Range(0, Features).Select(_ => random.Next(20) == 0 ? random.Next(5_000) : random.Next(-1, 12)).ToArray();
            arena.Begin(sizes.Sum(s => Math.Max(s, 0)) + random.Next(50));
            foreach (var f in Enumerable.Range(0, Features).OrderBy(_ => random.Next()).Where(f => sizes[f] >= 0))
            {
                expected[f] = new byte[sizes[f]];
                random.NextBytes(expected[f]!);
                expected[f]!.CopyTo(arena.Put(f, sizes[f]));
            }

            arena.Copy(0, Features - 1);
            expected[^1] = expected[0];
            rows.Add((expected, arena.Values(0, Features)));
        }

        Assert.All(rows.Select((r, i) => (r.Expected, r.Kept, i)), r => Assert.True(r.Expected.Zip(r.Kept).All(v => v.First is null ? v.Second is null : v.First.AsSpan().SequenceEqual(v.Second)), $"seed {seed}, row {r.i}"));
    }
}
