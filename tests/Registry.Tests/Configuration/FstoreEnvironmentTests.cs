using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Registry.Tests.Configuration;

public sealed class FstoreEnvironmentTests : IDisposable
{
    private const string Yaml = "project: a\nregistry: r.db\nfstore:\n  lake: data/lake\n  kafka:\n    topic: t\n    brokers: [h1, h2]\n";

    private readonly TestRepo _repo = new(config: Yaml);

    public void Dispose() => _repo.Dispose();

    [Fact]
    public void Load_VariablesSet_OverrideAndAddKeys()
    {
        var config = Load(("FSTORE__LAKE", "/lake"), ("FSTORE__KAFKA__TOPIC", "other"), ("FSTORE__S3__KEY_ID", "null"), ("FSTORE_LAKE", "no"));
        Assert.Equal("/lake", config.LakePath);
        var kafka = Assert.IsType<Dictionary<string, object?>>(config.Fstore["kafka"]);
        Assert.Equal("other", kafka["topic"]);
        Assert.Equal(["h1", "h2"], Assert.IsType<List<object?>>(kafka["brokers"]));
        Assert.Equal("null", Assert.IsType<Dictionary<string, object?>>(config.Fstore["s3"])["key_id"]);
    }

    [Fact]
    public void Load_NoBlockInTheFile_IsMadeByTheVariable()
    {
        File.WriteAllText(_repo.ConfigPath, "project: a\nregistry: r.db\n");
        Assert.Equal("/log.db", Load(("FSTORE__LOG__PATH", "/log.db")).LogPath);
    }

    [Fact]
    public void Load_FileVariable_TakesTheTextWithoutItsLineBreak()
    {
        var secret = Path.Combine(_repo.Folder, "secret");
        File.WriteAllText(secret, "pa ss: word\n");
        Assert.Equal("pa ss: word", Assert.IsType<Dictionary<string, object?>>(Load(("FSTORE__POSTGRES__PASSWORD_FILE", secret)).Fstore["postgres"])["password"]);
    }

    [Theory]
    [InlineData("FSTORE__", "", "names no key")]
    [InlineData("FSTORE__A____B", "x", "names no key")]
    [InlineData("FSTORE__LAKE__PATH__X", "x", "has a value of its own")]
    [InlineData("FSTORE__KAFKA", "x", "is a block or a list")]
    [InlineData("FSTORE__KAFKA__BROKERS", "x", "is a block or a list")]
    [InlineData("FSTORE__LOG_FILE", "/nowhere/at/all", "cannot be read")]
    [InlineData("FSTORE__LOG", "s3://bucket/log", "no local path")]
    public void Load_WrongVariable_IsNamedWithTheWayOut(string variable, string value, string message)
    {
        var fault = Assert.Single(Assert.Throws<DefinitionException>(() => Load((variable, value))).Faults);
        Assert.Equal(variable, fault.File);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_ValueAndFileBoth_IsAFault()
    {
        var fault = Assert.Single(Assert.Throws<DefinitionException>(() => Load(("FSTORE__A__B", "hunter2"), ("FSTORE__A__B_FILE", _repo.ConfigPath))).Faults);
        Assert.Contains("FSTORE__A__B too", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadBase64_TextOfTheFile_IsTheSameConfig()
    {
        var base64 = Convert.ToBase64String(File.ReadAllBytes(_repo.ConfigPath));
        var config = RepoConfig.LoadBase64(base64, _repo.Folder, new Dictionary<string, string>());
        Assert.Equal(Load().RegistryPath, config.RegistryPath);
        Assert.Equal(RepoConfig.Base64Variable, Assert.Single(Assert.Throws<DefinitionException>(() => RepoConfig.LoadBase64("%%", "/", new Dictionary<string, string>())).Faults).File);
    }

    private RepoConfig Load(params (string Name, string Value)[] variables) =>
        RepoConfig.Load(_repo.ConfigPath, variables.ToDictionary(v => v.Name, v => v.Value));
}
