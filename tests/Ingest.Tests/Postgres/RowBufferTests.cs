using FeatureStore.Ingest.Postgres;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Tests.Postgres;

/// <summary>Rows come out of a buffer as they went in, wherever they waited.</summary>
public sealed class RowBufferTests
{
    private const int WideCharacters = 3 << 20;
    private static readonly LakeColumn[] Columns =
    [
        new("s", LakeType.String), new("l", LakeType.Int64), new("i", LakeType.Int32), new("d", LakeType.Double), new("b", LakeType.Boolean), new("t", LakeType.Timestamp), new("day", LakeType.Date),
    ];

    [Theory]
    [InlineData(100, 20, 0)]
    [InlineData(7, 20, 13)]
    public void Rows_InMemoryAndInTheFile_ComeOutAsTheyWentIn_TwiceAndAfterAClear(int memoryRowsMax, int count, int spilled)
    {
        using var buffer = new RowBuffer(Columns, memoryRowsMax);
        for (var round = 0; round < 2; round++)
        {
            var rows = Enumerable.Range(round * 1_000, count).Select(Row).ToList();
            rows.ForEach(buffer.Add);
            Assert.Equal((count, spilled), (buffer.Count, buffer.Spilled));
            AssertEqual(rows, [.. buffer]);
            AssertEqual(rows, [.. buffer]);
            Assert.Equal(rows[^1].Lsn, buffer[count - 1].Lsn);
            buffer.Clear();
            Assert.Empty(buffer);
        }
    }

    [Fact]
    public void Rows_Wide_WaitInTheFileBeforeTheyAreMany()
    {
        using var buffer = new RowBuffer(Columns, 1_000);
        var rows = Enumerable.Range(0, 14).Select(n => Row(n) with { Values = [new string('x', WideCharacters), null, null, null, null, null, null] }).ToList();
        rows.ForEach(buffer.Add);
        Assert.InRange(buffer.Spilled, 1, rows.Count - 5);
        AssertEqual(rows, [.. buffer]);
    }

    private static ChangeRow Row(int n) => new(
        "cudrt"[n % 5].ToString(),
        n % 3 == 0 ? "bank" : "other",
        n * 1_000_000_007L,
        n % 2,
        n % 5 == 4 ? null : $"{{\"id\":\"ä{n}\"}}",
        1_764_000_000_000_000 + n,
        n % 4 == 0 ? ["s", "d"] : [],
        n % 6 == 0 ? new object?[Columns.Length] : [$"t{n}", long.MaxValue - n, -n, n / 7.0, n % 2 == 0, -n * 1_000L, new DateOnly(2025, 1, 1).AddDays(n)],
        n % 2 == 0 ? null : n);

    private static void AssertEqual(List<ChangeRow> expected, List<ChangeRow> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        foreach (var (e, a) in expected.Zip(actual))
        {
            Assert.Equal(e with { Unavailable = a.Unavailable, Values = a.Values }, a);
            Assert.Equal(e.Unavailable, a.Unavailable);
            Assert.Equal(e.Values, a.Values);
        }
    }
}
