using System.Diagnostics;
using System.Text;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Import;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Tests.ChangeLog;

/// <summary>A damaged change log, a full disk and a folder that nobody may write: a clear stop, nothing lost, and the next ingest finishes.</summary>
public sealed class DamagedLogTests : IDisposable
{
    private const int Rows = 400;
    private const int BatchRows = 50;
    private static readonly ImportTable Table = ImportTable.Transactions;
    private readonly string _root = Directory.CreateTempSubdirectory("damaged").FullName;

    private string LogPath => Path.Combine(_root, "log.db");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Ingest_LogCutOrFlipped_StopsOrLandsTheTruthAndFinishesOnceRestored()
    {
        Fill();
        var whole = File.ReadAllBytes(LogPath);
        var stops = 0;
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var damaged = seed % 3 == 0 ? whole[..random.Next(whole.Length)] : whole.ToArray();
            for (var n = seed % 3 == 0 ? 0 : random.Next(1, 40); n > 0; n--)
            {
                damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            }

            var lake = Path.Combine(_root, $"lake{seed}");
            Restore(damaged);
            var thrown = Record.Exception(() => Ingest(lake));
            Assert.True(thrown is null or ChangeLogException, $"seed {seed}: {thrown}");
            Assert.True(thrown is null || thrown.Message.Contains(LogPath, StringComparison.Ordinal), $"seed {seed}: {thrown?.Message}");
            stops += thrown is null ? 0 : 1;
            var partly = Living(lake);
            Assert.True(partly.All(Expected().Contains), $"seed {seed}: a row that nobody wrote landed");

            Restore(whole);
            Ingest(lake);
            Assert.True(Expected().SetEquals(Living(lake)), $"seed {seed}: {Living(lake).Count} of {Rows} rows after the restored log was ingested");
        }

        Assert.InRange(stops, 20, 60);
    }

    [SkippableFact]
    public void Ingest_FullDisk_StopsClearlyAndFinishesWhenThereIsSpace()
    {
        Skip.IfNot(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Only root can mount a small disk.");
        var disk = Directory.CreateDirectory(Path.Combine(_root, "disk")).FullName;
        Skip.IfNot(Run("mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", disk), "This system lets nobody mount.");
        try
        {
            Fill();
            var lake = Path.Combine(disk, "lake");
            var thrown = Record.Exception(() => Ingest(lake));
            Assert.True(thrown is not null && !string.IsNullOrWhiteSpace(thrown.Message), "the disk was large enough");
            Assert.True(Living(lake).All(Expected().Contains));

            Assert.True(Run("mount", "-o", "remount,size=64m", disk));
            Ingest(lake);
            Assert.True(Expected().SetEquals(Living(lake)), $"{Living(lake).Count} of {Rows} rows");
        }
        finally
        {
            Assert.True(Run("umount", disk));
        }
    }

    [SkippableFact]
    public void Ingest_FolderThatCannotBeWritten_StopsClearlyAndFinishesWhenItCan()
    {
        Skip.IfNot(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Only root can mount a folder read-only.");
        Fill();
        var disk = Directory.CreateDirectory(Path.Combine(_root, "read-only")).FullName;
        Skip.IfNot(Run("mount", "-t", "tmpfs", "-o", "size=64m,ro", "tmpfs", disk), "This system lets nobody mount.");
        try
        {
            var lake = Path.Combine(disk, "lake");
            var thrown = Record.Exception(() => Ingest(lake));
            Assert.Contains(disk, thrown!.Message, StringComparison.Ordinal);
            Assert.True(Run("mount", "-o", "remount,rw", disk));
            Ingest(lake);
            Assert.True(Expected().SetEquals(Living(lake)));
        }
        finally
        {
            Assert.True(Run("umount", disk));
        }
    }

    private static bool Run(string name, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(name, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private static HashSet<string> Expected() => [.. Enumerable.Range(1, Rows).Select(i => $"t{i}|{i}.5")];

    private static HashSet<string> Living(string lake) => Directory.Exists(Path.Combine(lake, "cdc/transactions", "_delta_log"))
        ? [.. new SourceRows(lake).KnownAt("cdc/transactions", SourceRows.Now, CancellationToken.None).Select(r => FormattableString.Invariant($"{r.Values[1]}|{r.Values[2]:R}"))]
        : [];

    private void Fill()
    {
        using var log = EmbeddedChangeLog.Open(LogPath);
        log.Append(log.Topic(Table.Topic), Rows, (i, lsn) => new LogMessage(
            Encoding.UTF8.GetBytes($$"""{"transaction_id":"t{{i + 1}}"}"""),
            Encoding.UTF8.GetBytes($$$"""{"before":null,"after":{"user_id":"u","transaction_id":"t{{{i + 1}}}","amount":{{{i + 1}}}.5,"vendor":"v","sources":"s","time":1754000000000000},"source":{"name":"s","lsn":{{{lsn}}},"ts_us":1754000000000000},"op":"c"}""")));
    }

    private void Restore(byte[] bytes)
    {
        File.Delete($"{LogPath}-wal");
        File.Delete($"{LogPath}-shm");
        File.WriteAllBytes(LogPath, bytes);
    }

    private void Ingest(string lake)
    {
        using var log = EmbeddedChangeLog.Open(LogPath);
        var topic = log.Topic(Table.Topic);
        new IngestRunner(log, topic, Table.Columns, ChangeTable.Open(lake, "cdc/transactions", Table.Columns)).Run(BatchRows, null, CancellationToken.None);
    }
}
