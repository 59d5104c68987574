using FeatureStore.Registry.Validation;
using FeatureStore.Registry.Yaml;

namespace FeatureStore.Registry.Definitions;

/// <summary>Loads and checks the definitions of a repo: every <c>features/*.yaml</c>, in the order of names.</summary>
internal static class DefinitionLoader
{
    private const string Folder = "features";

    /// <exception cref="DefinitionException">At least one fault, or no definitions at all, which would empty the registry.</exception>
    public static RepoDefinitions Load(string repoDirectory)
    {
        var faults = new FaultList();
        var reader = new DefinitionReader(faults);
        var folder = Path.Combine(repoDirectory, Folder);
        string[] files = Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder).Where(f => Path.GetExtension(f) is ".yaml" or ".yml").Order(StringComparer.Ordinal)]
            : [];
        foreach (var file in files)
        {
            reader.Read(File.ReadAllText(file), $"{Folder}/{Path.GetFileName(file)}");
        }

        var definitions = reader.Definitions;
        DefinitionValidator.Check(definitions, faults);
        if (faults.Count == 0 && definitions.IsEmpty)
        {
            faults.Add(new YamlPlace(Folder, 1, 1), "There are no definitions; write them in features/*.yaml, beside feature_store.yaml.");
        }

        faults.ThrowIfAny();
        return definitions;
    }
}
