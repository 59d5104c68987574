using Feast.Core;
using FeatureStore.Registry.Files;
using FeatureStore.Registry.Validation;
using Google.Protobuf;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Tests.Files;

public sealed class RegistryFileTests
{
    private static readonly DateTimeOffset End = new(2026, 11, 2, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("bank_features_after_materialize_registry.db")]
    [InlineData("bank_features_s3_registry.db")]
    [InlineData("ext_features_registry.db")]
    public void Load_FeastsFile_WritesBackToAnEqualMessageOfEqualSize(string golden)
    {
        using var repo = new TestRepo();
        repo.TakeGolden(golden);
        var registry = repo.OpenRegistry().Load();
        var bytes = registry.ToByteArray();
        Assert.Equal(registry, RegistryProto.Parser.ParseFrom(bytes));
        Assert.Equal(new FileInfo(repo.RegistryPath).Length, bytes.Length);
    }

    [Fact]
    public void Write_ALinkedFileOfAGroup_KeepsLinkAndRights()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var repo = TestRepo.Bank();
        repo.Apply();
        const UnixFileMode Shared = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        var target = Path.Combine(repo.Folder, "shared.db");
        File.Move(repo.RegistryPath, target);
        File.SetUnixFileMode(target, Shared);
        File.CreateSymbolicLink(repo.RegistryPath, target);
        repo.OpenRegistry().RecordInterval("bank_features", "user_demographics", repo.Time.Now.AddDays(-1), repo.Time.Now, CancellationToken.None);
        Assert.Equal(target, File.ResolveLinkTarget(repo.RegistryPath, returnFinalTarget: true)?.FullName);
        Assert.Equal(Shared, File.GetUnixFileMode(target));
        Assert.Equal(repo.Time.Now, repo.OpenRegistry().LatestEnd("bank_features", "user_demographics"));
    }

    [Fact]
    public void RecordInterval_OnFeastsFile_ChangesThatViewAndTheHeaderOnly()
    {
        using var repo = new TestRepo();
        repo.TakeGolden("ext_features_registry.db");
        var file = repo.OpenRegistry();
        var before = file.Load();
        file.RecordInterval("ext_features", "offline_only", End.AddDays(-1), End, CancellationToken.None);
        var after = file.Load();
        Assert.NotEqual(before.VersionId, after.VersionId);
        Assert.Equal(repo.Time.Now, after.LastUpdated.ToDateTimeOffset());
        var meta = after.FeatureViews.First(v => v.Spec.Name == "offline_only").Meta;
        Assert.Equal(FeatureViewState.AvailableOnline, meta.State);
        Assert.Equal(End, Assert.Single(meta.MaterializationIntervals).EndTime.ToDateTimeOffset());

        var old = before.FeatureViews.First(v => v.Spec.Name == "offline_only").Meta;
        meta.MaterializationIntervals.Clear();
        (meta.State, meta.LastUpdatedTimestamp) = (old.State, old.LastUpdatedTimestamp);
        (after.VersionId, after.LastUpdated) = (before.VersionId, before.LastUpdated);
        Assert.Equal(before, after);
    }

    [Fact]
    public void RecordInterval_Twice_IsOnceAndWritesOnce()
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        var file = repo.OpenRegistry();
        file.RecordInterval("bank_features", "user_demographics", End.AddDays(-1), End, CancellationToken.None);
        var before = File.ReadAllBytes(repo.RegistryPath);
        file.RecordInterval("bank_features", "user_demographics", End.AddDays(-1), End, CancellationToken.None);
        Assert.Equal(before, File.ReadAllBytes(repo.RegistryPath));
    }

    [Fact]
    public void LatestEnd_AnyOrder_IsTheLatest()
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        var file = repo.OpenRegistry();
        Assert.Null(file.LatestEnd("bank_features", "user_demographics"));
        file.RecordInterval("bank_features", "user_demographics", End.AddDays(-1), End, CancellationToken.None);
        file.RecordInterval("bank_features", "user_demographics", End.AddDays(-9), End.AddDays(-8), CancellationToken.None);
        Assert.Equal(End, file.LatestEnd("bank_features", "user_demographics"));
    }

    [Fact]
    public void RecordInterval_StreamView_IsRecorded()
    {
        using var repo = new TestRepo();
        repo.TakeGolden("ext_features_registry.db");
        repo.OpenRegistry().RecordInterval("ext_features", "rides", End.AddDays(-1), End, CancellationToken.None);
        Assert.Equal(End, repo.OpenRegistry().LatestEnd("ext_features", "rides"));
    }

    [Fact]
    public void RecordInterval_EndBeforeStart_IsRefused()
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        Assert.Throws<ArgumentOutOfRangeException>(
            () => repo.OpenRegistry().RecordInterval("bank_features", "user_demographics", End, End.AddTicks(-10), CancellationToken.None));
    }

    [Fact]
    public void Faults_OfTheFile_NameTheWayOut()
    {
        using var repo = TestRepo.Bank();
        var file = repo.OpenRegistry();
        Assert.Contains("fstore apply", Assert.Throws<RegistryException>(file.Load).Message, StringComparison.Ordinal);
        repo.Apply();
        Assert.Contains("'none'", Assert.Throws<RegistryException>(() => file.LatestEnd("bank_features", "none")).Message, StringComparison.Ordinal);
        Assert.Throws<RegistryException>(() => file.LatestEnd("other", "user_demographics"));
        File.WriteAllBytes(repo.RegistryPath, File.ReadAllBytes(repo.RegistryPath)[..^5]);
        Assert.Contains("damaged", Assert.Throws<RegistryException>(file.Load).Message, StringComparison.Ordinal);
        Assert.Throws<RegistryException>(repo.Apply);
    }

    [Fact]
    public void RecordInterval_ManyAtOnce_LosesNone()
    {
        const int Writers = 40;
        using var repo = TestRepo.Bank();
        repo.Apply();
        Parallel.For(
            0,
            Writers,
            new ParallelOptions { MaxDegreeOfParallelism = 8 },
            i => new RegistryFile(repo.RegistryPath, repo.Time).RecordInterval(
                "bank_features", i % 2 == 0 ? "user_demographics" : "user_transactions_l1w", End.AddDays(i), End.AddDays(i + 1), CancellationToken.None));
        Assert.Equal(Writers, repo.OpenRegistry().Load().FeatureViews.Sum(v => v.Meta.MaterializationIntervals.Count));
        Assert.DoesNotContain(Directory.EnumerateFiles(Path.GetDirectoryName(repo.RegistryPath)!), f => f.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void Apply_LockHeld_StopsWhenCancelled()
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        using var held = new FileStream(repo.RegistryPath + ".lock", FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => RegistryApplier.Apply(repo.LoadConfig(), null, repo.Time, cancelled.Token));
    }
}
