using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Upkeep;

namespace FeatureStore.OfflineStore.Tests.Lake.Upkeep;

public sealed class CompactorTests : IDisposable
{
    private readonly UpkeepTable _table = new();

    public void Dispose() => _table.Dispose();

    [Fact]
    public void Run_ManySmallFiles_GivesOneForEachDateAndKindWithTheSameRows()
    {
        var random = new Random(1);
        for (var n = 0; n < 12; n++)
        {
            _table.Append(n, random);
        }

        var before = _table.Snapshot;
        var result = new Compactor(_table.Root).Run(Compactor.TargetBytesDefault, CancellationToken.None);

        var after = _table.Snapshot;
        var kinds = after.Files.Values.Select(f => (f.PartitionValues["__commit_date"], f.Tags["fstore.kind"])).ToList();
        Assert.Equal(kinds.Distinct().Count(), kinds.Count);
        Assert.Equal((before.Files.Count - after.Files.Count, 1), (result.FilesRemoved - result.FilesAdded, result.Commits));
        Assert.Equal(_table.Rows(before), _table.Rows(after));
        Assert.All(NaiveTable.Read(_table.Root).Removed.Values, isDataChange => Assert.False(isDataChange));
        Assert.Equal(11, after.Txn["app"]);
        Assert.Equal(0, new Compactor(_table.Root).Run(Compactor.TargetBytesDefault, CancellationToken.None).Commits);
    }

    [Fact]
    public void Run_InsertsAndChanges_StayApart()
    {
        var random = new Random(2);
        for (var n = 0; n < 5; n++)
        {
            _table.Append(n, random);
        }

        _ = new Compactor(_table.Root).Run(Compactor.TargetBytesDefault, CancellationToken.None);

        var snapshot = _table.Snapshot;
        foreach (var kind in new[] { ChangeColumns.InsertKind, ChangeColumns.ChangeKind })
        {
            var rows = _table.Rows(snapshot with { Files = snapshot.Files.Where(f => f.Value.Tags["fstore.kind"] == kind).ToDictionary() });
            Assert.All(rows, r => Assert.Contains(kind == ChangeColumns.InsertKind ? "\"__op\":\"c\"" : "\"__op\":\"u\"", r, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Run_FilesAsLargeAsTheTarget_AreLeftAlone()
    {
        _table.Append(0, new Random(3));
        _table.Append(1, new Random(3));
        Assert.Equal(0, new Compactor(_table.Root).Run(1, CancellationToken.None).Commits);
    }

    [Fact]
    public void Run_TableThatIsNoChangeTable_IsRefusedByName()
    {
        var root = Path.Combine(_table.Lake, "features");
        var metadata = new DeltaMetadata("i", DeltaSchema.Write([new LakeColumn("x", LakeType.Int64)]), [], new Dictionary<string, string>());
        _ = new DeltaLog(root).TryCommit(0, new DeltaCommit(DeltaProtocol.Plain, metadata, null, [], []));

        var thrown = Assert.Throws<DeltaException>(() => new Compactor(root).Run(Compactor.TargetBytesDefault, CancellationToken.None));

        Assert.Contains("never compacted in place", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_TwoCompactorsAtOnce_CountEveryRowOnce()
    {
        var random = new Random(4);
        for (var n = 0; n < 10; n++)
        {
            _table.Append(n, random);
        }

        var before = _table.Rows(_table.Snapshot);
        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(() => new Compactor(_table.Root).Run(Compactor.TargetBytesDefault, CancellationToken.None))));

        Assert.Equal(before, _table.Rows(_table.Snapshot));
        Assert.Empty(new TableCheck(_table.Root).Run(CancellationToken.None).Faults);
    }
}
