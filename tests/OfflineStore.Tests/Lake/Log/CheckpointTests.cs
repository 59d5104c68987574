using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Log;
using FeatureStore.OfflineStore.Tests.Lake.Upkeep;

namespace FeatureStore.OfflineStore.Tests.Lake.Log;

public sealed class CheckpointTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("checkpoint").FullName;
    private readonly TestClock _clock = new(DateTimeOffset.UtcNow);

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string LogPath => Path.Combine(_root, "_delta_log");

    private DeltaLog Log => new(_root, _clock);

    [Fact]
    public void TryCommit_EveryIntervalOfTheTable_WritesACheckpointAndThenItsHint()
    {
        Commit(12, ("delta.checkpointInterval", "5"));

        Assert.Equal([5L, 10L], LogFiles.List(LogPath).Checkpoints.Keys);
        Assert.Equal(10, CheckpointWriter.NamedVersion(LogPath));
        Assert.Empty(Directory.GetFiles(LogPath, "*.tmp"));
    }

    [Fact]
    public void TryCommit_TableWithoutAnInterval_WritesOneEveryFiftyCommits()
    {
        Commit(51);
        Assert.Equal([50L], LogFiles.List(LogPath).Checkpoints.Keys);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("""{"version":5,"size":1}""")]
    [InlineData("""{"version":77,"size":1}""")]
    [InlineData("no JSON")]
    public void Read_HintMissingStaleDanglingOrDamaged_GivesTheNewestVersion(string? hint)
    {
        Commit(12, ("delta.checkpointInterval", "5"));
        var path = Path.Combine(LogPath, "_last_checkpoint");
        File.Delete(path);
        if (hint is not null)
        {
            File.WriteAllText(path, hint);
        }

        Assert.Equal((11L, 12), (Log.Read(CancellationToken.None)!.Version, Log.Read(CancellationToken.None)!.Files.Count));
        Append(4);
        Assert.Equal(15, CheckpointWriter.NamedVersion(LogPath));
    }

    [Fact]
    public void Read_CheckpointWithADamagedAction_GoesByTheOneBefore()
    {
        Commit(12, ("delta.checkpointInterval", "5"));
        var (path, damaged) = (Path.Combine(LogPath, LogFiles.CheckpointName(10)), Path.Combine(_root, "damaged.parquet"));
        using (var database = LakeDatabase.Open())
        using (var connection = LakeDatabase.Connect(database, CancellationToken.None))
        {
            connection.Execute($"COPY (SELECT * REPLACE ('none' AS protocol) FROM read_parquet('{path}')) TO '{damaged}' (FORMAT PARQUET)");
        }

        File.Move(damaged, path, overwrite: true);
        Assert.Equal((11L, 12), (Log.Read(CancellationToken.None)!.Version, Log.Read(CancellationToken.None)!.Files.Count));
    }

    [Fact]
    public void TryCommit_RetentionPassed_CleansWhatACheckpointCoversAndKeepsTheRest()
    {
        Commit(18, ("delta.checkpointInterval", "5"), ("delta.logRetentionDuration", "interval 2 days"));
        Age(12, TimeSpan.FromDays(3)); // Versions 0 to 12 are old; 12 was in force when the retention begins.
        Append(3);

        var files = LogFiles.List(LogPath);
        Assert.Equal((10L, 20L), (files.Commits.Min, files.Commits.Max));
        Assert.Equal([10L, 15L, 20L], files.Checkpoints.Keys);
        Assert.All(Enumerable.Range(10, 11), v => Assert.Equal(v + 1, Log.Read(v, CancellationToken.None)!.Files.Count));
        Assert.Throws<DeltaException>(() => Log.Read(9, CancellationToken.None));
    }

    [Theory]
    [InlineData("delta.enableExpiredLogCleanup", "false")]
    [InlineData("delta.logRetentionDuration", "as long as it takes")]
    public void TryCommit_CleanUpSwitchedOffOrUnknown_KeepsEveryCommit(string property, string value)
    {
        Commit(18, ("delta.checkpointInterval", "5"), (property, value));
        Age(17, TimeSpan.FromDays(300));
        Append(3);
        Assert.Equal(0, LogFiles.List(LogPath).Commits.Min);
    }

    [Fact]
    public void VersionAt_Times_GivesTheVersionInForce()
    {
        Commit(5);
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        for (var v = 0; v < 5; v++)
        {
            // Versions 2 and 3 in one tick, 4 before them: each is later than the one before it.
            File.SetLastWriteTimeUtc(Path.Combine(LogPath, LogFiles.CommitName(v)), start.AddHours(v switch { 3 => 2, 4 => 1, _ => v }).UtcDateTime);
        }

        Assert.Equal(0, Log.VersionAt(start, CancellationToken.None));
        Assert.Equal(1, Log.VersionAt(start.AddHours(1.5), CancellationToken.None));
        Assert.Equal(2, Log.VersionAt(start.AddHours(2), CancellationToken.None));
        Assert.Equal(4, Log.VersionAt(start.AddHours(2).AddMilliseconds(2), CancellationToken.None));
        Assert.Equal(4, Log.VersionAt(start.AddYears(1), CancellationToken.None));
        Assert.Contains("has no version as old as", Assert.Throws<DeltaException>(() => Log.VersionAt(start.AddTicks(-1), CancellationToken.None)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void VersionAt_InCommitTimes_GoesByWhatTheCommitsSay()
    {
        Commit(2, ("delta.enableInCommitTimestamps", "true"), ("delta.inCommitTimestampEnablementVersion", "1"));
        var said = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var path = Path.Combine(LogPath, LogFiles.CommitName(1));
        File.WriteAllText(path, $"{{\"commitInfo\":{{\"inCommitTimestamp\":{said.ToUnixTimeMilliseconds()}}}}}\n");

        Assert.Equal((0L, 1L), (Log.VersionAt(said.AddMilliseconds(-1), CancellationToken.None), Log.VersionAt(said, CancellationToken.None)));
        File.WriteAllText(path, "{\"commitInfo\":{}}\n");
        Assert.Contains("Name a version", Assert.Throws<DeltaException>(() => Log.VersionAt(said, CancellationToken.None)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_TableMadeAnewInItsPlace_IsNotTakenForTheOldOne()
    {
        Commit(3);
        var log = Log;
        Assert.Equal(3, log.Read(CancellationToken.None)!.Files.Count);
        Directory.Delete(LogPath, recursive: true);
        Commit(4, ("made", "anew"));

        var again = log.Read(CancellationToken.None)!;
        Assert.Equal((4, "anew"), (again.Files.Count, again.Metadata.Configuration["made"]));
        Append(1);
        Assert.Equal(5, log.Read(CancellationToken.None)!.Files.Count);
    }

    [Theory]
    [InlineData("interval 1 week 2 days", 9)]
    [InlineData("interval 3 DAYS", 3)]
    [InlineData("48 hours", 2)]
    public void Interval_DeltasText_IsATime(string text, int days) => Assert.Equal(TimeSpan.FromDays(days), TableSettings.Interval(text));

    [Theory]
    [InlineData("interval")]
    [InlineData("interval 1")]
    [InlineData("interval -1 days")]
    [InlineData("interval 1 month")]
    public void Interval_OtherText_IsNone(string text) => Assert.Null(TableSettings.Interval(text));

    private void Commit(int count, params (string Name, string Value)[] properties)
    {
        var metadata = new DeltaMetadata("i", DeltaSchema.Write([new LakeColumn("x", LakeType.Int64)]), [], properties.ToDictionary(p => p.Name, p => p.Value))
        {
            Name = "people call it so",
            CreatedMillis = 7,
        };
        Assert.Equal(DeltaCommitOutcome.Committed, Log.TryCommit(0, new DeltaCommit(DeltaProtocol.Plain, metadata, null, [DataFile("f0")], [])));
        Append(count - 1);
    }

    private void Append(int count)
    {
        var log = Log;
        for (var n = 0; n < count; n++)
        {
            var version = log.Read(CancellationToken.None)!.Version + 1;
            Assert.Equal(DeltaCommitOutcome.Committed, log.TryCommit(version, new DeltaCommit(null, null, new LakeTxn("app", version), [DataFile($"f{version}")], [])));
        }
    }

    private void Age(int upTo, TimeSpan age)
    {
        for (var v = 0; v <= upTo; v++)
        {
            File.SetLastWriteTimeUtc(Path.Combine(LogPath, LogFiles.CommitName(v)), (_clock.Now - age).UtcDateTime);
        }
    }

    private static DeltaFile DataFile(string path) => new(path, new Dictionary<string, string?>(), 1, 1, null, new Dictionary<string, string>());
}
