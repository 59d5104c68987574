using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Tests.Lake;

/// <summary>Where a change table may begin, so that nobody's rows are hidden or mixed with changes.</summary>
public sealed class ChangeTableTargetTests : IDisposable
{
    private static readonly LakeColumn[] Columns = [new("user_id", LakeType.String)];
    private readonly string _root = Directory.CreateTempSubdirectory("target").FullName;

    private string TableRoot => Path.Combine(_root, "t");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Append_IntoPlainParquet_IsRefusedAndLeavesItAlone()
    {
        WriteParquet("rows.parquet");
        var refusal = Assert.Throws<DeltaException>(Append);
        Assert.Contains("rows.parquet", refusal.Message, StringComparison.Ordinal);
        Assert.Throws<DeltaException>(() => Table().EnsureTakesRows(CancellationToken.None));
        Assert.False(Directory.Exists(Path.Combine(TableRoot, "_delta_log")));
    }

    [Fact]
    public void Append_IntoATableThatHoldsNoChanges_IsRefusedAndLeavesItsSchema()
    {
        var log = new DeltaLog(TableRoot);
        var metadata = new DeltaMetadata("id", DeltaSchema.Write([new LakeColumn("user_id", LakeType.String)]), [], new Dictionary<string, string>());
        log.TryCommit(0, new DeltaCommit(DeltaProtocol.Plain, metadata, null, [], []));
        Assert.Contains("no change table", Assert.Throws<DeltaException>(Append).Message, StringComparison.Ordinal);
        Assert.Equal(0, log.Read(CancellationToken.None)!.Version);
    }

    [Fact]
    public void Append_AfterAFirstOneThatWasKilled_GoesOn()
    {
        WriteParquet("__commit_date=2026-11-01/part-0.parquet");
        WriteParquet("_tmp/part-1.parquet");
        Append();
        Assert.Equal(1, Table().TxnVersion("a"));
    }

    private ChangeTable Table() => ChangeTable.Open(_root, "t", Columns);

    private void Append() => Table().Append([new ChangeRow("c", "s", 1, 0, "{\"k\":1}", 0, [], ["ann"])], new LakeTxn("a", 1), CancellationToken.None);

    private void WriteParquet(string name)
    {
        var path = Path.Combine(TableRoot, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(Threads: 1));
        using var connection = database.Connect();
        connection.Execute($"COPY (SELECT 'ann' AS user_id) TO '{path}' (FORMAT PARQUET)");
    }
}
