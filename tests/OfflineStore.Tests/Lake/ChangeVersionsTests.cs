using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Tests.Lake;

public sealed class ChangeVersionsTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("versions").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void With_ColumnsNamedLikeTheQuerysOwn_GivesTheirValues()
    {
        LakeColumn[] columns = [.. new[] { "ct", "life", "life_key", "epoch", "raw", "version", "first" }.Select(n => new LakeColumn(n, LakeType.Int64))];
        object?[] values = [1L, 2L, 3L, 4L, 5L, 6L, 7L];
        ChangeTable.Open(_root, "t", columns).Append(
            [new ChangeRow("c", "s", 1, 0, "{}", 5, [], values), new ChangeRow("u", "s", 2, 0, "{}", 6, ["life"], [10L, null, 30L, 40L, 50L, 60L, 70L])],
            new LakeTxn("app", 1),
            CancellationToken.None);
        var root = Path.Combine(_root, "t");
        var files = LakeSql.Files(root, new DeltaLog(root).Read(CancellationToken.None)!.Files.Values, [.. ChangeColumns.Leading, .. columns]);

        using var database = LakeDatabase.Open();
        using var connection = LakeDatabase.Connect(database, CancellationToken.None);
        using var reader = connection.Query(
            $"WITH RECURSIVE {ChangeVersions.With(files, columns, new ChangeTraits(true, true, true))} SELECT {string.Join(", ", columns.Select(c => LakeSql.Name(c.Name)))} FROM version ORDER BY __lsn");
        Assert.True(reader.NextChunk());
        Assert.Equal([1L, 2, 3, 4, 5, 6, 7], Enumerable.Range(0, 7).Select(c => reader.Int64(c, 0)));
        Assert.Equal([10L, 2, 30, 40, 50, 60, 70], Enumerable.Range(0, 7).Select(c => reader.Int64(c, 1)));
    }

    [Theory]
    [InlineData("k")]
    [InlineData("K_next")]
    public void With_NameThatIsTaken_IsRefusedByName(string name) => Assert.Contains(
        $"A column named {name} cannot be read",
        Assert.Throws<DeltaException>(() => ChangeVersions.With("t", [new LakeColumn(name, LakeType.Int64)], new ChangeTraits(false, false, false))).Message,
        StringComparison.Ordinal);
}
