using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Inspection;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Registry.Validation;
using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Tests.Files;

/// <summary>Bytes and texts from strangers: what cannot be understood is a clear fault, and nothing else happens. FsCheck prints the seed of a failure.</summary>
public sealed class FuzzTests : IDisposable
{
    private const int Runs = 400;

    // Pieces that make YAML odd where they meet.
    private static readonly string[] Pieces = ["{", "}", "[", "]", ":", ": ", "- ", "\n", "\n  ", "&a ", "*a", "!!int ", "'", "\"", "|", ">", "#", "? ", "<<: ", "null", "~", "\t", "\0", "é", "\ufffe", "\"\\ud800\"", "\"\\U00110000\"", "---\n", "%"];

    private readonly TestRepo _repo = new(config: "project: ext_features\nregistry: data/registry.db\n");

    public void Dispose() => _repo.Dispose();

    [Theory]
    [InlineData("ext_features_registry.db")]
    [InlineData("bank_features_after_materialize_registry.db")]
    public void Registry_BytesChanged_LoadsOrFaults(string golden)
    {
        _repo.TakeGolden(golden);
        var good = File.ReadAllBytes(_repo.RegistryPath);
        var config = _repo.LoadConfig() with { Project = golden.StartsWith("ext", StringComparison.Ordinal) ? "ext_features" : "bank_features" };
        var edits = Gen.Choose(0, good.Length - 1).Zip(Gen.Choose(0, 255)).ArrayOf().Zip(Gen.Choose(0, good.Length));
        Prop.ForAll(edits.ToArbitrary(), edit => Outcome(() =>
        {
            var bytes = good.ToArray();
            foreach (var (at, value) in edit.Item1)
            {
                bytes[at] = (byte)value;
            }

            File.WriteAllBytes(_repo.RegistryPath, bytes[..edit.Item2]);
            Read(_repo.OpenRegistry().Load(), config);
        })).Check(Settings);
    }

    [Fact]
    public void Registry_AnyBytes_LoadOrFault()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_repo.RegistryPath)!);
        Prop.ForAll(Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf().ToArbitrary(), bytes => Outcome(() =>
        {
            File.WriteAllBytes(_repo.RegistryPath, bytes);
            Read(_repo.OpenRegistry().Load(), _repo.LoadConfig());
        })).Check(Settings);
    }

    [Fact]
    public void Registry_NestedBeyondReason_IsAFault()
    {
        var source = new Feast.Core.DataSource();
        for (var depth = 0; depth < 200; depth++)
        {
            source = new Feast.Core.DataSource { BatchSource = source };
        }

        var bytes = new RegistryProto { DataSources = { source } }.ToByteArray();
        Directory.CreateDirectory(Path.GetDirectoryName(_repo.RegistryPath)!);
        File.WriteAllBytes(_repo.RegistryPath, bytes);
        Assert.Throws<RegistryException>(() => _repo.OpenRegistry().Load());
    }

    [Theory]
    [InlineData("feature_store.yaml")]
    [InlineData("features/bank.yaml")]
    public void Yaml_TextChanged_LoadsOrFaults(string file)
    {
        var good = File.ReadAllText(Path.Combine(TestRepo.BankRepo(), file));
        var edits = Gen.Choose(0, good.Length).Zip(Gen.Elements(Pieces)).Zip(Gen.Choose(0, 6)).ArrayOf();
        Prop.ForAll(edits.ToArbitrary(), edit =>
        {
            var text = good;
            foreach (var ((at, piece), cut) in edit)
            {
                var from = Math.Min(at, text.Length);
                text = text[..from] + piece + text[Math.Min(text.Length, from + cut)..];
            }

            return ReadsYaml(text);
        }).Check(Settings);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    [InlineData("? ")]
    public void Yaml_NestedBeyondReason_IsAFaultAndNoOverflow(string opening)
    {
        _repo.Define("entities:\n  " + string.Concat(Enumerable.Repeat(opening, 50_000)));
        Assert.Throws<DefinitionException>(() => _repo.Plan());
    }

    [Fact]
    public void Yaml_AnyPieces_LoadOrFault()
    {
        string[] words = [.. Pieces, "entities", "feature_views", "feature_services", "features", "schema", "name", "dtype", "view", "project", "registry", "fstore", "online_store", "a", "7"];
        Prop.ForAll(Gen.Elements(words).ArrayOf().ToArbitrary(), parts => ReadsYaml(string.Concat(parts))).Check(Settings);
    }

    private static Config Settings => Config.QuickThrowOnFailure.WithMaxTest(Runs);

    private static void Read(RegistryProto registry, RepoConfig config)
    {
        Assert.NotNull(SnapshotCompiler.Compile(registry, config));
        Assert.NotEmpty(RegistryJson.Dump(registry, config.Project, indented: false));
        foreach (var kind in RegistryObjectKind.All)
        {
            Assert.NotNull(kind.List(registry, config.Project));
        }
    }

    private bool ReadsYaml(string text)
    {
        _repo.Define(text);
        var other = Path.Combine(_repo.Folder, "other.yaml");
        File.WriteAllText(other, text);
        return Outcome(() => Assert.NotEmpty(_repo.Plan().Changes)) && Outcome(() => Assert.NotNull(RepoConfig.Load(other)));
    }

    /// <summary>True when the work ends well, or with one of the faults that a user is told.</summary>
    private static bool Outcome(Action work)
    {
        try
        {
            work();
            return true;
        }
        catch (RegistryException e)
        {
            return e.Message.Length > 0;
        }
        catch (DefinitionException e)
        {
            return e.Faults.Count > 0;
        }
    }
}
