using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Configuration;

namespace FeatureStore.OfflineStore.Tests.Lake;

public sealed class LakeOptionsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("options").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("")]
    [InlineData("fstore:\n  lake: lake\n")]
    public void Read_NothingNamed_GivesTheDefaults(string fstore) => Assert.Equal(LakeOptions.Default, Read(fstore));

    [Fact]
    public void Read_Settings_AreTaken() => Assert.Equal(
        new LakeOptions(300, 1, Path.Combine(_folder, "spill")),
        Read("fstore:\n  duckdb: {memory_limit_mib: 300, threads: 1, spill_folder: spill}\n"));

    [Theory]
    [InlineData("memory_limit_mib: 12", "memory_limit_mib: 12")]
    [InlineData("memory_limit_mib: 1e9", "memory_limit_mib: 1e9")]
    [InlineData("threads: 0", "threads: 0")]
    [InlineData("threads: many", "threads: many")]
    [InlineData("memory: 300", "memory is no setting")]
    public void Read_WrongSetting_IsNamed(string setting, string named)
    {
        var thrown = Assert.Throws<DeltaException>(() => Read($"fstore:\n  duckdb:\n    {setting}\n"));
        Assert.Contains(named, thrown.Message, StringComparison.Ordinal);
    }

    private LakeOptions Read(string fstore)
    {
        var file = Path.Combine(_folder, RepoConfig.FileName);
        File.WriteAllText(file, "project: p\nregistry: r.db\nprovider: local\nentity_key_serialization_version: 3\n" + fstore);
        return LakeOptions.Read(RepoConfig.Load(file));
    }
}
