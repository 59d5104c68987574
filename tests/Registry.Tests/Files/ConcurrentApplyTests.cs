using System.Collections.Concurrent;
using FeatureStore.Registry.Files;
using FeatureStore.Registry.Tests.Sql;
using FeatureStore.Registry.Validation;
using Google.Protobuf;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Tests.Files;

public sealed class ConcurrentApplyTests
{
    private const int Appliers = 100;

    [Fact]
    public void Apply_HundredAtOnce_LosesNothingThatWasAcknowledged()
    {
        using var shared = new TestRepo();
        var (landed, told) = (new ConcurrentBag<string>(), new ConcurrentBag<string>());
        InThreads(i =>
        {
            using var repo = new TestRepo("entities: [{name: user, value_type: String}]\n", $"project: p{i}\nregistry: {shared.RegistryPath}\n");
            try
            {
                Assert.True(repo.Apply().Written);
                landed.Add($"p{i}");
            }
            catch (RegistryException)
            {
                told.Add($"p{i}");
            }
        });
        Assert.Equal(Appliers, landed.Count + told.Count);
        Assert.NotEmpty(landed);
        var registry = shared.OpenRegistry().Load();
        Assert.Equal(landed.Order(StringComparer.Ordinal), registry.Projects.Select(p => p.Spec.Name).Order(StringComparer.Ordinal));
        Assert.Equal(landed.Order(StringComparer.Ordinal), registry.Entities.Where(e => e.Spec.Name == "user").Select(e => e.Spec.Project).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Apply_HundredOnOneRevision_ExactlyOneLands()
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        var revision = repo.Plan().Revision;
        var (landed, conflicts) = (0, 0);
        InThreads(i =>
        {
            using var other = new TestRepo(
                File.ReadAllText(Path.Combine(repo.Folder, "features", "all.yaml")).Replace("ttl: 3650d", $"ttl: {i + 1}d", StringComparison.Ordinal),
                $"project: bank_features\nregistry: {repo.RegistryPath}\nfstore: {{lake: {repo.Folder}/data/lake}}\n");
            try
            {
                RegistryApplier.Apply(other.LoadConfig(), revision, other.Time, CancellationToken.None);
                Interlocked.Increment(ref landed);
            }
            catch (RegistryConflictException)
            {
                Interlocked.Increment(ref conflicts);
            }
        });
        Assert.Equal((1, Appliers - 1), (landed, conflicts));
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Apply_HundredAtOnceOnSql_LosesNothingThatWasAcknowledged(bool postgres)
    {
        await using var shared = postgres ? await SqlDatabase.PostgresAsync() : SqlDatabase.Sqlite();
        var (landed, told) = (new ConcurrentBag<string>(), new ConcurrentBag<string>());
        InThreads(i =>
        {
            using var repo = shared.Repo("entities: [{name: user, value_type: String}]\n", project: $"p{i:00}");
            try
            {
                Assert.True(repo.Apply().Written);
                landed.Add($"p{i:00}");
            }
            catch (RegistryException)
            {
                told.Add($"p{i:00}");
            }
        });
        Assert.Equal(Appliers, landed.Count + told.Count);
        Assert.NotEmpty(landed);
        var rows = shared.Rows().Keys;
        Assert.Equal(landed.Order(StringComparer.Ordinal), rows.Where(r => r.StartsWith("projects ", StringComparison.Ordinal)).Select(r => r.Split(' ')[1]));
        Assert.Equal(landed.Order(StringComparer.Ordinal), rows.Where(r => r.StartsWith("entities user ", StringComparison.Ordinal)).Select(r => r.Split(' ')[2]));
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Apply_HundredOnOneRevisionOfSql_ExactlyOneLands(bool postgres)
    {
        await using var shared = postgres ? await SqlDatabase.PostgresAsync() : SqlDatabase.Sqlite();
        var definitions = File.ReadAllText(Path.Combine(TestRepo.BankRepo(), "features", "bank.yaml"));
        using var repo = shared.Repo(definitions);
        repo.Apply();
        var revision = repo.Plan().Revision;
        var (landed, told) = (0, 0);
        InThreads(i =>
        {
            using var other = shared.Repo(definitions.Replace("ttl: 3650d", $"ttl: {i + 1}d", StringComparison.Ordinal));
            try
            {
                RegistryApplier.Apply(other.LoadConfig(), revision, other.Time, CancellationToken.None);
                Interlocked.Increment(ref landed);
            }
            catch (RegistryException)
            {
                // A conflict, or too many clients for the server.
                Interlocked.Increment(ref told);
            }
        });
        Assert.Equal((1, Appliers - 1), (landed, told));
    }

    [Fact]
    public void Update_WriterWithoutLockBetween_KeepsBothChanges()
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        var calls = 0;
        var written = repo.OpenRegistry().Update(
            registry =>
            {
                if (calls++ == 0)
                {
                    WriteAsFeast(repo, "theirs");
                }

                registry.Projects.Add(new Feast.Core.Project { Spec = new Feast.Core.ProjectSpec { Name = "ours" } });
                return true;
            },
            mustExist: true,
            CancellationToken.None);
        Assert.Equal((2, true), (calls, written.Written));
        Assert.Equal(["bank_features", "theirs", "ours"], repo.OpenRegistry().Load().Projects.Select(p => p.Spec.Name));
    }

    [Fact]
    public void Update_WritersWithoutLockAgainAndAgain_IsAConflictAndTheirsStands()
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        var calls = 0;
        var e = Assert.Throws<RegistryConflictException>(() => repo.OpenRegistry().Update(
            registry =>
            {
                WriteAsFeast(repo, $"theirs{calls++}");
                registry.Projects.Clear();
                return true;
            },
            mustExist: true,
            CancellationToken.None));
        Assert.Contains("nothing was written", e.Message, StringComparison.Ordinal);
        Assert.Equal(calls + 1, repo.OpenRegistry().Load().Projects.Count);
        Assert.DoesNotContain(Directory.EnumerateFiles(Path.GetDirectoryName(repo.RegistryPath)!), f => f.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void Update_FileRemovedBetween_IsNotTakenForTheSame()
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        var calls = 0;
        repo.OpenRegistry().Update(
            registry =>
            {
                File.Delete(repo.RegistryPath);
                registry.Projects.Add(new Feast.Core.Project { Spec = new Feast.Core.ProjectSpec { Name = $"ours{calls++}" } });
                return true;
            },
            mustExist: false,
            CancellationToken.None);
        Assert.Equal("ours1", Assert.Single(repo.OpenRegistry().Load().Projects).Spec.Name);
    }

    // As Feast does: no lock, the whole file, a revision of its own.
    private static void WriteAsFeast(TestRepo repo, string project)
    {
        var registry = RegistryProto.Parser.ParseFrom(File.ReadAllBytes(repo.RegistryPath));
        registry.Projects.Add(new Feast.Core.Project { Spec = new Feast.Core.ProjectSpec { Name = project } });
        registry.VersionId = Guid.NewGuid().ToString();
        File.WriteAllBytes(repo.RegistryPath, registry.ToByteArray());
    }

    /// <summary>Each on a thread of its own, all let go at once; the first failure is thrown.</summary>
    private static void InThreads(Action<int> work)
    {
        using var start = new ManualResetEventSlim();
        var failures = new ConcurrentBag<Exception>();
        Thread[] threads = [.. Enumerable.Range(0, Appliers).Select(i => new Thread(() =>
        {
            start.Wait();
            try
            {
                work(i);
            }
            catch (Exception e)
            {
                failures.Add(e);
            }
        }))];
        Array.ForEach(threads, t => t.Start());
        start.Set();
        Array.ForEach(threads, t => t.Join());
        Assert.Empty(failures);
    }
}
