using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Files;

namespace FeatureStore.Registry.Tests;

/// <summary>A repo in a temporary folder, filled with the definitions that a test gives.</summary>
internal sealed class TestRepo : IDisposable
{
    public const string Config = "project: bank_features\nregistry: data/registry.db\n";

    public TestRepo(string definitions = "", string config = Config)
    {
        File.WriteAllText(ConfigPath, config);
        Directory.CreateDirectory(Path.Combine(Folder, "features"));
        if (definitions.Length > 0)
        {
            Define(definitions);
        }
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("repo").FullName;

    public string ConfigPath => Path.Combine(Folder, RepoConfig.FileName);

    public string RegistryPath => Path.Combine(Folder, "data", "registry.db");

    public FixedTime Time { get; } = new(new DateTimeOffset(2026, 11, 2, 0, 0, 0, TimeSpan.Zero));

    /// <summary>The bank example of the repository.</summary>
    public static string BankRepo()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "FeatureStore.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("FeatureStore.sln is not above the test's folder.");
        }

        return Path.Combine(folder, "feature_repo");
    }

    public static TestRepo Bank() => new(
        File.ReadAllText(Path.Combine(BankRepo(), "features", "bank.yaml")), File.ReadAllText(Path.Combine(BankRepo(), RepoConfig.FileName)));

    public void Define(string definitions, string file = "all.yaml") => File.WriteAllText(Path.Combine(Folder, "features", file), definitions);

    /// <summary>Puts a recorded registry in the place of the repo's own.</summary>
    public void TakeGolden(string name)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(RegistryPath)!);
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Golden", name), RegistryPath);
    }

    public RepoConfig LoadConfig() => RepoConfig.Load(ConfigPath);

    public RegistryFile OpenRegistry() => new(RegistryPath, Time);

    public ApplyResult Apply() => RegistryApplier.Apply(LoadConfig(), null, Time, CancellationToken.None);

    public ApplyResult Plan() => RegistryApplier.Plan(LoadConfig(), Time);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
