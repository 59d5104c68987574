using FeatureStore.Registry.Files;
using Google.Protobuf;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Tests.Files;

public sealed class ProjectRemovalTests
{
    [Fact]
    public void RemoveProject_BesideAnother_LeavesTheOtherAsItWas()
    {
        using var repo = TestRepo.Bank();
        repo.TakeGolden("ext_features_registry.db");
        var before = repo.OpenRegistry().Load();
        repo.Apply();
        var removed = repo.OpenRegistry().RemoveProject("bank_features", CancellationToken.None);
        Assert.Equal(["feature service fraud_v1", "project bank_features"], removed.Where(c => c.Kind is "feature service" or "project").Select(c => $"{c.Kind} {c.Name}"));
        var after = repo.OpenRegistry().Load();
        (after.VersionId, after.LastUpdated) = (before.VersionId, before.LastUpdated);
        Assert.Equal(before, after);
        Assert.Empty(repo.OpenRegistry().RemoveProject("bank_features", CancellationToken.None));
    }

    [Theory]
    [InlineData("bank_features_after_materialize_registry.db", "bank_features")]
    [InlineData("ext_features_registry.db", "ext_features")]
    public void RemoveProject_TheOnlyOne_RemovesTheFileAndCanBeRepeated(string golden, string project)
    {
        using var repo = new TestRepo();
        repo.TakeGolden(golden);
        Assert.NotEmpty(repo.OpenRegistry().RemoveProject(project, CancellationToken.None));
        Assert.False(File.Exists(repo.RegistryPath));
        Assert.Empty(repo.OpenRegistry().RemoveProject(project, CancellationToken.None));
    }

    [Fact]
    public void Remove_FeastsProject_TakesItsHistoryAndTablesToo()
    {
        var registry = RegistryProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "bank_features_after_materialize_registry.db")));
        var ext = RegistryProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "ext_features_registry.db")));
        registry.MergeFrom(ext.ToByteArray());
        Assert.NotEmpty(ProjectRemoval.Remove(registry, "bank_features"));
        Assert.Empty(registry.Infra.InfraObjects);
        Assert.Equal(ext.FeatureViewVersionHistory.Records, registry.FeatureViewVersionHistory.Records);
        Assert.DoesNotContain("bank_features", registry.ToString(), StringComparison.Ordinal);
        Assert.False(ProjectRemoval.IsEmpty(registry));
    }
}
