using FeatureStore.Registry.Validation;

namespace FeatureStore.Registry.Yaml;

/// <summary>A YAML file of settings that another room owns, as texts, lists and dictionaries.</summary>
public static class YamlFile
{
    private const long BytesMax = 1 << 20;

    /// <exception cref="DefinitionException">The file is absent or too large, or no YAML mapping.</exception>
    public static IReadOnlyDictionary<string, object?> Read(string path)
    {
        var faults = new FaultList();
        try
        {
            var text = new FileInfo(path).Length <= BytesMax ? File.ReadAllText(path) : throw new IOException($"it is larger than {BytesMax:N0} bytes");
            var root = YamlText.Parse(text, Path.GetFileName(path), faults);
            var plain = root?.Keys.ToDictionary(k => k, k => root.Node(k) is { } node ? YamlText.Plain(node, root.File, faults) : null);
            faults.ThrowIfAny();
            return plain!;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DefinitionException([new Fault(path, 1, 1, $"The file cannot be read ({e.Message}); correct the path in {Configuration.RepoConfig.FileName}.")]);
        }
    }
}
