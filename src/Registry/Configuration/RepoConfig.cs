using FeatureStore.Registry.Validation;

namespace FeatureStore.Registry.Configuration;

/// <summary>
/// <c>feature_store.yaml</c>, read as Feast reads it, with paths made absolute against the file's folder (a lake on an
/// object store stays an address). Immutable.
/// </summary>
/// <param name="RepoDirectory">The folder of <c>feature_store.yaml</c>, absolute.</param>
/// <param name="RegistryPath">The registry file, absolute.</param>
/// <param name="OnlineStore">Null when the file switches it off.</param>
/// <param name="EntityKeyVersion">2 or 3.</param>
/// <param name="LakePath">The lake's folder, from <c>fstore.lake</c>.</param>
/// <param name="LogPath">The embedded change log, from <c>fstore.log</c>.</param>
/// <param name="Fstore">The whole <c>fstore:</c> block as texts, lists and dictionaries, for the rooms that own the rest of it.</param>
/// <param name="Unread">Every other top-level key, kept likewise.</param>
public sealed record RepoConfig(
    string RepoDirectory,
    string Project,
    string Provider,
    string RegistryPath,
    OnlineStoreConfig? OnlineStore,
    OfflineStoreConfig OfflineStore,
    int EntityKeyVersion,
    string LakePath,
    string LogPath,
    IReadOnlyDictionary<string, object?> Fstore,
    IReadOnlyDictionary<string, object?> Unread)
{
    /// <summary>Name of the file inside a repo.</summary>
    public const string FileName = "feature_store.yaml";

    /// <summary>Reads the file, with the process's environment variables put in.</summary>
    /// <exception cref="DefinitionException">The file is absent or wrong; every fault is listed.</exception>
    public static RepoConfig Load(string yamlPath) => Load(yamlPath, Environment.GetEnvironmentVariable);

    internal static RepoConfig Load(string yamlPath, Func<string, string?> variable)
    {
        ArgumentException.ThrowIfNullOrEmpty(yamlPath);
        var full = Path.GetFullPath(yamlPath);
        try
        {
            return RepoConfigReader.Read(EnvironmentText.Expand(File.ReadAllText(full), variable), Path.GetFileName(full), Path.GetDirectoryName(full)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DefinitionException([new Fault(yamlPath, 1, 1, $"The file cannot be read ({e.Message}); name the folder that holds {FileName}.")]);
        }
    }
}
