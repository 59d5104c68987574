using System.Diagnostics;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Upkeep;

namespace FeatureStore.OfflineStore.Tests.Lake.Upkeep;

/// <summary>A disk that is full, and one that cannot be written: a clear stop, and what was committed stays. Skipped where file systems may not be mounted.</summary>
public sealed class DiskTests : IDisposable
{
    private static readonly LakeColumn[] Columns = [new("user_id", LakeType.String), new("text", LakeType.String), new("time", LakeType.Timestamp)];
    private readonly string _folder = Directory.CreateTempSubdirectory("disk").FullName;
    private bool _mounted;

    private string Root => Path.Combine(_folder, "cdc", "t");

    public void Dispose()
    {
        if (_mounted)
        {
            Assert.True(Run("umount", _folder), $"{_folder} stays mounted");
        }

        Directory.Delete(_folder, recursive: true);
    }

    [SkippableFact]
    public void Append_DiskFull_StopsClearlyKeepsWhatWasCommittedAndGoesOnLater()
    {
        Mount();
        var committed = 0;
        var ballast = Path.Combine(_folder, "ballast");
        Append(++committed);
        File.WriteAllBytes(ballast, new byte[1 << 20]);
        var failure = Record.Exception(() =>
        {
            while (committed < 1_000)
            {
                Append(committed + 1);
                committed++;
            }
        });

        Assert.True(failure is IOException or DuckDbException, $"{failure}");
        Assert.Matches("(?i)no space left|disk|space", failure.Message);
        var snapshot = new DeltaLog(Root).Read(CancellationToken.None)!;
        Assert.Equal(committed, snapshot.Txn["app"]);
        Assert.Equal(50L * committed, snapshot.Files.Values.Sum(f => f.Records));

        File.Delete(ballast);
        Append(committed + 1);
        snapshot = new DeltaLog(Root).Read(CancellationToken.None)!;
        Assert.Equal(committed + 1, snapshot.Txn["app"]);
        Assert.All(new TableCheck(Root).Run(CancellationToken.None).Faults, f => Assert.Equal("orphan", f.What));
    }

    [SkippableFact]
    public void Append_FolderThatCannotBeWritten_StopsClearlyAndIsStillRead()
    {
        Mount();
        Append(1);
        Assert.True(Run("mount", "-o", "remount,ro", _folder), "a mount of ours cannot be made read-only");

        var failure = Record.Exception(() => Append(2));

        Assert.True(failure is IOException or UnauthorizedAccessException or DuckDbException, $"{failure}");
        Assert.Matches("(?i)read-only|denied", failure.Message);
        Assert.Equal(1, new DeltaLog(Root).Read(CancellationToken.None)!.Txn["app"]);
        Assert.Empty(new TableCheck(Root).Run(CancellationToken.None).Faults);
    }

    // Texts that do not shrink, so that the disk is full before long.
    private void Append(int number)
    {
        var random = new Random(number);
        var rows = Enumerable.Range(0, 50).Select(r =>
        {
            var text = new byte[300];
            random.NextBytes(text);
            return new ChangeRow("c", "s", (number * 100) + r, 0, $"{{\"id\":{(number * 100) + r}}}", 5, [], ["u", Convert.ToBase64String(text), 5L]);
        });
        ChangeTable.Open(_folder, "cdc/t", Columns).Append([.. rows], new LakeTxn("app", number), CancellationToken.None);
    }

    private void Mount()
    {
        _mounted = OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", _folder);
        Skip.IfNot(_mounted, "mounting a file system needs root");
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
