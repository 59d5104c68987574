using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Log;
using FeatureStore.OfflineStore.Lake.Upkeep;

namespace FeatureStore.OfflineStore.Tests.Lake.Upkeep;

public sealed class TableCheckTests : IDisposable
{
    private readonly UpkeepTable _table = new();

    public TableCheckTests()
    {
        for (var n = 0; n < 4; n++)
        {
            _table.Append(n, new Random(n));
        }
    }

    public void Dispose() => _table.Dispose();

    private string First => _table.Snapshot.Files.Keys.Order(StringComparer.Ordinal).First();

    [Fact]
    public void Run_WholeTable_FindsNothing()
    {
        var result = new TableCheck(_table.Root).Run(CancellationToken.None);
        Assert.Equal((3L, _table.Snapshot.Files.Count), (result.Version!.Value, result.Files));
        Assert.Empty(result.Faults);
    }

    [Fact]
    public void Run_FileGone_IsNamed()
    {
        var gone = First;
        File.Delete(Path.Combine(_table.Root, gone));
        Only("missing", gone);
    }

    [Fact]
    public void Run_FileCutShort_IsNamed()
    {
        using (var stream = File.OpenWrite(Path.Combine(_table.Root, First)))
        {
            stream.SetLength(stream.Length - 1);
        }

        Only("size", First);
    }

    [Fact]
    public void Run_FooterDamaged_IsNamedAmongTheOthers()
    {
        var path = Path.Combine(_table.Root, First);
        var bytes = File.ReadAllBytes(path);
        bytes.AsSpan(bytes.Length - 40, 30).Fill(0xff);
        File.WriteAllBytes(path, bytes);
        Only("footer", First);
    }

    [Fact]
    public void Run_OtherRowsThanTheStatisticsTell_IsNamed()
    {
        var (one, other) = (_table.Snapshot.Files.Values.First(), "x.parquet");
        File.Copy(Path.Combine(_table.Root, one.Path), Path.Combine(_table.Root, other));
        _ = _table.Log.TryCommit(4, new DeltaCommit(null, null, null, [one with { Path = other, Stats = """{"numRecords":77}""" }], []));
        Only("rows", other);
    }

    [Fact]
    public void Run_FileThatNoVersionNames_IsAnOrphan()
    {
        File.WriteAllText(Path.Combine(_table.Root, "x.parquet"), "o");
        Only("orphan", "x.parquet");
    }

    [Fact]
    public void Run_CommitMissing_IsAFaultOfTheLog()
    {
        File.Delete(Path.Combine(_table.Root, "_delta_log", LogFiles.CommitName(1)));
        var fault = Assert.Single(new TableCheck(_table.Root).Run(CancellationToken.None).Faults);
        Assert.Equal("log", fault.What);
        Assert.Contains("commit 1 is missing", fault.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_CheckpointOfOtherFiles_IsNamed()
    {
        var snapshot = _table.Snapshot;
        new CheckpointWriter(_table.Log.LogPath).Write(snapshot with { Files = snapshot.Files.Skip(1).ToDictionary() }, long.MinValue, CancellationToken.None);
        var faults = new TableCheck(_table.Root).Run(CancellationToken.None).Faults;
        Assert.Contains(faults, f => f.What == "checkpoint" && f.Detail.Contains("live in one of them alone", StringComparison.Ordinal));
    }

    [Fact]
    public void Run_CheckpointDamaged_IsNamedAndTheTableStillRead()
    {
        File.WriteAllText(Path.Combine(_table.Root, "_delta_log", LogFiles.CheckpointName(2)), "no Parquet");
        Only("checkpoint", Path.Combine("_delta_log", LogFiles.CheckpointName(2)));
    }

    [Fact]
    public void Run_HintThatDangles_IsNamed()
    {
        File.WriteAllText(Path.Combine(_table.Root, "_delta_log", "_last_checkpoint"), """{"version":2,"size":9}""");
        Only("hint", "_delta_log/_last_checkpoint");
    }

    private void Only(string what, string path)
    {
        var fault = Assert.Single(new TableCheck(_table.Root).Run(CancellationToken.None).Faults);
        Assert.Equal((what, path), (fault.What, fault.Path));
    }
}
