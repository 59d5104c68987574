using FeatureStore.Jobs.Runs;

namespace FeatureStore.Jobs.Tests.Runs;

public sealed class LeasesTests : IDisposable
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(30);
    private readonly string _folder = Directory.CreateTempSubdirectory("leases").FullName;
    private readonly SteppedTime _time = new();

    private string Path => System.IO.Path.Combine(_folder, "runs.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void TryAcquire_WhileHeld_IsRefusedAndNamesTheHolder()
    {
        using var file = RunFile.Open(Path);
        var leases = new Leases(file, _time, Duration);
        var first = leases.TryAcquire("bank/weekly", "a", out _);
        Assert.NotNull(first);
        Assert.Null(leases.TryAcquire("bank/weekly", "b", out var holder));
        Assert.Equal(("a", first.Expires), (holder!.Owner, holder.Expires));
        Assert.NotNull(leases.TryAcquire("bank/daily", "b", out _));
    }

    [Fact]
    public void TryAcquire_AfterExpiry_HasAHigherFenceAndTheOldHolderCannotRenew()
    {
        using var file = RunFile.Open(Path);
        var leases = new Leases(file, _time, Duration);
        var old = leases.TryAcquire("bank/weekly", "a", out _)!;
        _time.Now += Duration;
        var next = leases.TryAcquire("bank/weekly", "b", out _)!;
        Assert.True(next.Fence > old.Fence);
        Assert.Null(leases.Renew(old));
        leases.Release(old);
        Assert.Null(leases.TryAcquire("bank/weekly", "c", out var holder));
        Assert.Equal("b", holder!.Owner);
    }

    [Fact]
    public void Release_ThenAcquire_NeverReusesAFence()
    {
        using var file = RunFile.Open(Path);
        var leases = new Leases(file, _time, Duration);
        var fences = new List<long>();
        for (var i = 0; i < 5; i++)
        {
            var lease = leases.TryAcquire("bank/weekly", $"owner{i}", out _)!;
            fences.Add(lease.Fence);
            leases.Release(lease);
        }

        Assert.Equal(fences.Distinct().Order(), fences);
    }

    [Fact]
    public async Task TryAcquire_ByManyAtOnce_IsGrantedOnce()
    {
        RunFile.Open(Path).Dispose();
        var granted = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() =>
        {
            using var file = RunFile.Open(Path);
            return new Leases(file, _time, Duration).TryAcquire("bank/weekly", $"owner{i}", out _);
        })));
        Assert.Single(granted, l => l is not null);
    }

    [Fact]
    public void Open_OfADamagedFile_SaysWhichAndTheWayOut()
    {
        File.WriteAllText(Path, "This is no database, but it is long enough to be taken for one until its first page is read. " + new string('x', 5000));
        var refusal = Assert.Throws<RunFileException>(() => RunFile.Open(Path));
        Assert.Contains(Path, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("remove it", refusal.Message, StringComparison.Ordinal);
    }
}
