using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Tests.Lake;

public sealed class ChangeTableTests : IDisposable
{
    private const long Day = 86_400_000_000;
    private static readonly LakeColumn[] Columns = [new("user_id", LakeType.String), new("amount", LakeType.Double), new("time", LakeType.Timestamp)];
    private readonly string _root = Directory.CreateTempSubdirectory("lake").FullName;

    private string TableRoot => Path.Combine(_root, "cdc", "transactions");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Append_InsertsAndChanges_LieInSeparateTaggedFiles()
    {
        Open().Append([Row("c", 1, 5), Row("u", 2, 6), Row("r", 3, Day + 7)], new LakeTxn("app", 1), CancellationToken.None);

        var files = new DeltaLog(TableRoot).Read(CancellationToken.None)!.Files.Values
            .OrderBy(f => f.PartitionValues["__commit_date"], StringComparer.Ordinal).ThenBy(f => f.Tags["fstore.kind"], StringComparer.Ordinal).ToList();

        Assert.Equal(["change", "insert", "insert"], files.Select(f => f.Tags["fstore.kind"]));
        Assert.Equal(["1970-01-01", "1970-01-01", "1970-01-02"], files.Select(f => f.PartitionValues["__commit_date"]));
        const string Bounds = """{"__op":"c","__source":"s","__lsn":1,"__part":0,"__key":"{\"id\":1}","__commit_time":"1970-01-01T00:00:00.000005Z","user_id":"u","amount":1.5,"time":"1970-01-01T00:00:00.000005Z"}""";
        const string Nulls = """{"__op":0,"__source":0,"__lsn":0,"__part":0,"__key":0,"__commit_time":0,"__unavailable":1,"__previous_commit":1,"user_id":0,"amount":0,"time":0}""";
        Assert.Equal($$"""{"numRecords":1,"minValues":{{Bounds}},"maxValues":{{Bounds}},"nullCount":{{Nulls}}}""", files[1].Stats);
        Assert.All(files, f => Assert.Equal(new FileInfo(Path.Combine(TableRoot, f.Path)).Length, f.Size));
    }

    [Fact]
    public void Append_SameOrOlderTxn_DoesNothing()
    {
        var table = Open();
        table.Append([Row("c", 1, 5)], new LakeTxn("app", 7), CancellationToken.None);
        table.Append([Row("c", 1, 5)], new LakeTxn("app", 7), CancellationToken.None);
        table.Append([Row("c", 1, 5)], new LakeTxn("app", 6), CancellationToken.None);
        table.Append([Row("c", 2, 5)], new LakeTxn("other", 1), CancellationToken.None);

        Assert.Equal(7, table.TxnVersion("app"));
        Assert.Null(table.TxnVersion("none"));
        Assert.Equal(2, new DeltaLog(TableRoot).Read(CancellationToken.None)!.Files.Count);
    }

    [Fact]
    public void AppendAfter_ProgressMovedMeanwhile_CommitsNothingAndLeavesNoFile()
    {
        var table = Open();
        Assert.True(table.AppendAfter([Row("c", 1, 5)], new LakeTxn("app", 19), after: null, CancellationToken.None));
        var files = Files();

        // Read before the first: it begins before what is there, and would end behind it.
        Assert.False(table.AppendAfter([Row("c", 1, 5), Row("c", 2, 5)], new LakeTxn("app", 199), after: null, CancellationToken.None));
        Assert.False(table.AppendAfter([Row("c", 1, 5)], new LakeTxn("app", 19), after: 5, CancellationToken.None));
        Assert.Equal((19L, files), (table.TxnVersion("app"), Files()));

        // Where a source begins anew, progress goes back.
        Assert.True(table.AppendAfter([Row("c", 2, 5)], new LakeTxn("app", 3), after: 19, CancellationToken.None));
        Assert.Equal(3, table.TxnVersion("app"));

        int Files() => Directory.EnumerateFiles(_root, "*.parquet", SearchOption.AllDirectories).Count();
    }

    [Fact]
    public void Append_NewColumn_WidensTheSchema()
    {
        Open().Append([Row("c", 1, 5)], new LakeTxn("app", 1), CancellationToken.None);
        ChangeTable.Open(_root, "cdc/transactions", [new LakeColumn("vendor", LakeType.String)])
            .Append([Row("c", 1, 5) with { Values = ["v"] }], new LakeTxn("app", 2), CancellationToken.None);

        Assert.Contains("vendor", new DeltaLog(TableRoot).Read(CancellationToken.None)!.Metadata.SchemaString, StringComparison.Ordinal);
    }

    [Fact]
    public void Append_ColumnOfAnotherType_IsRefusedByName()
    {
        Open().Append([Row("c", 1, 5)], new LakeTxn("app", 1), CancellationToken.None);
        var other = ChangeTable.Open(_root, "cdc/transactions", [new LakeColumn("amount", LakeType.Int64)]);

        var thrown = Assert.Throws<DeltaException>(
            () => other.Append([Row("c", 1, 5) with { Values = [1L] }], new LakeTxn("app", 2), CancellationToken.None));

        Assert.Contains("column amount is Double", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Append_ManyWritersAtOnce_EveryCommitCountsOnce()
    {
        // Each writer loses the race for a version now and then, and tries again.
        var writers = Enumerable.Range(0, 4).Select(w => Task.Run(() =>
        {
            for (var n = 1; n <= 5; n++)
            {
                Open().Append([Row("c", (w * 100) + n, 5)], new LakeTxn($"writer{w}", n), CancellationToken.None);
            }
        }));
        await Task.WhenAll(writers);

        var snapshot = new DeltaLog(TableRoot).Read(CancellationToken.None)!;
        Assert.Equal((19, 20), (snapshot.Version, snapshot.Files.Count));
        Assert.All(Enumerable.Range(0, 4), w => Assert.Equal(5, snapshot.Txn[$"writer{w}"]));
    }

    [Fact]
    public async Task Append_TheSameProgressByManyAtOnce_LandsOnceAndLeavesNoOtherFile()
    {
        var writers = Enumerable.Range(0, 4).Select(_ => Task.Run(
            () => Open().Append([Row("c", 1, 5)], new LakeTxn("app", 1), CancellationToken.None)));
        await Task.WhenAll(writers);

        var file = Assert.Single(new DeltaLog(TableRoot).Read(CancellationToken.None)!.Files.Keys);
        Assert.Equal([Path.Combine(TableRoot, file)], Directory.GetFiles(TableRoot, "*.parquet", SearchOption.AllDirectories));
    }

    private static ChangeRow Row(string op, long lsn, long micros) =>
        new(op, "s", lsn, 0, $"{{\"id\":{lsn}}}", micros, [], ["u", 1.5, micros]);

    private ChangeTable Open() => ChangeTable.Open(_root, "cdc/transactions", Columns);
}
