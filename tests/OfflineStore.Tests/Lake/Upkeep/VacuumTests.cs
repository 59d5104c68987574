using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Upkeep;

namespace FeatureStore.OfflineStore.Tests.Lake.Upkeep;

public sealed class VacuumTests : IDisposable
{
    private readonly UpkeepTable _table = new();
    private readonly TestClock _clock = new(DateTimeOffset.UtcNow);

    public void Dispose() => _table.Dispose();

    [Fact]
    public void Run_FilesThatACompactionTookOut_GoAfterTheRetentionAndNotBefore()
    {
        Fill();
        var before = _table.Snapshot;
        _ = new Compactor(_table.Root, null, _clock).Run(Compactor.TargetBytesDefault, CancellationToken.None);
        var after = _table.Snapshot;

        _clock.Now += TimeSpan.FromDays(6.9);
        Assert.Empty(Run().Paths);
        Assert.Equal(_table.Rows(after), _table.Rows(before));

        _clock.Now += TimeSpan.FromDays(0.2);
        Assert.Equal(before.Files.Keys.Except(after.Files.Keys).Order(StringComparer.Ordinal), Run().Paths.Order(StringComparer.Ordinal));
        Assert.Empty(Run().Paths);
        Assert.Empty(new TableCheck(_table.Root, null, _clock).Run(CancellationToken.None).Faults);
        var gone = Assert.Throws<DeltaException>(() => _table.Rows(before)).Message;
        Assert.Contains($"at version {before.Version} needs", gone, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_LongerRetentionThanACheckpointRemembers_KeepsWhatOldVersionsName()
    {
        Fill();
        _ = new Compactor(_table.Root, null, _clock).Run(Compactor.TargetBytesDefault, CancellationToken.None);
        var log = new FeatureStore.OfflineStore.Lake.Log.CheckpointWriter(_table.Log.LogPath);
        _clock.Now += TimeSpan.FromDays(8);
        log.Write(_table.Snapshot, _clock.Now.ToUnixTimeMilliseconds(), CancellationToken.None);

        Assert.Empty(new Vacuum(_table.Root, _clock).Run(TimeSpan.FromDays(20), isShortAllowed: false, isDryRun: false, CancellationToken.None).Paths);
    }

    [Fact]
    public void Run_OrphansAndLeftovers_GoOnceTheyAreOld()
    {
        Fill();
        var orphan = Path.Combine(_table.Root, "__commit_date=1970-01-01", "part-x.parquet");
        var leftover = Path.Combine(_table.Root, "_tmp", "x", "part-y.parquet");
        Directory.CreateDirectory(Path.GetDirectoryName(leftover)!);
        File.WriteAllText(orphan, "o");
        File.WriteAllText(leftover, "l");
        Assert.Empty(Run().Paths);

        _clock.Now += TimeSpan.FromDays(2);
        Assert.Equal(["_tmp/x/part-y.parquet"], Run().Paths);
        Assert.True(File.Exists(orphan));

        _clock.Now += TimeSpan.FromDays(6);
        Assert.Equal(["__commit_date=1970-01-01/part-x.parquet"], Run().Paths);
        Assert.False(File.Exists(orphan) || File.Exists(leftover));
    }

    [Fact]
    public void Run_ShortRetention_NeedsAWordOfItsOwn()
    {
        Fill();
        _ = new Compactor(_table.Root).Run(Compactor.TargetBytesDefault, CancellationToken.None);
        var vacuum = new Vacuum(_table.Root);

        var thrown = Assert.Throws<DeltaException>(() => vacuum.Run(TimeSpan.FromHours(1), isShortAllowed: false, isDryRun: false, CancellationToken.None));
        Assert.Contains("--allow-short-retention", thrown.Message, StringComparison.Ordinal);

        _clock.Now += TimeSpan.FromMinutes(1);
        var would = new Vacuum(_table.Root, _clock).Run(TimeSpan.Zero, isShortAllowed: true, isDryRun: true, CancellationToken.None);
        var did = new Vacuum(_table.Root, _clock).Run(TimeSpan.Zero, isShortAllowed: true, isDryRun: false, CancellationToken.None);
        Assert.NotEmpty(did.Paths);
        Assert.Equal(would.Paths, did.Paths);
        Assert.Equal(_table.Snapshot.Files.Count, Directory.GetFiles(_table.Root, "*.parquet", SearchOption.AllDirectories).Count(f => !f.Contains("_delta_log", StringComparison.Ordinal)));
    }

    [Fact]
    public void Run_TableOfANewerWriter_IsRefused()
    {
        Fill();
        var path = Path.Combine(_table.Root, "_delta_log", "00000000000000000003.json");
        File.WriteAllText(path, """{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["later"]}}""" + "\n");
        Assert.Contains("later", Assert.Throws<DeltaException>(Run).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_NoTable_SaysSo() =>
        Assert.Contains("no Delta table", Assert.Throws<DeltaException>(() => new Vacuum(_table.Lake).Run(null, false, false, CancellationToken.None)).Message, StringComparison.Ordinal);

    private VacuumResult Run() => new Vacuum(_table.Root, _clock).Run(null, isShortAllowed: false, isDryRun: false, CancellationToken.None);

    private void Fill()
    {
        var random = new Random(5);
        for (var n = 0; n < 3; n++)
        {
            _table.Append(n, random);
        }
    }
}
