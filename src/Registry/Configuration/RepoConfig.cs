using System.Collections;
using System.Text;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Registry.Configuration;

/// <summary>
/// <c>feature_store.yaml</c>, read as Feast reads it, with paths made absolute against the file's folder (a lake on an
/// object store stays an address). Immutable.
/// </summary>
/// <param name="RepoDirectory">The folder of <c>feature_store.yaml</c>, absolute.</param>
/// <param name="RegistryPath">The registry file, absolute; empty for a SQL registry.</param>
/// <param name="OnlineStore">Null when the file switches it off.</param>
/// <param name="EntityKeyVersion">2 or 3.</param>
/// <param name="LakePath">The lake's folder, from <c>fstore.lake</c>.</param>
/// <param name="LogPath">The embedded change log, from <c>fstore.log</c>.</param>
/// <param name="RunsPath">Leases and the history of runs, from <c>fstore.runs</c>.</param>
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
    string RunsPath,
    IReadOnlyDictionary<string, object?> Fstore,
    IReadOnlyDictionary<string, object?> Unread)
{
    /// <summary>Name of the file inside a repo.</summary>
    public const string FileName = "feature_store.yaml";

    /// <summary>The registry, with the rest of its settings.</summary>
    public RegistryConfig Registry { get; init; } = new("file", RegistryPath);

    public MaterializationConfig Materialization { get; init; } = new();

    /// <summary>Times without a zone in an entity data frame count as UTC.</summary>
    public bool CoerceTzAware { get; init; } = true;

    /// <summary>How Feast's servers would ask who calls: <c>no_auth</c>, <c>kubernetes</c> or <c>oidc</c>.</summary>
    public string Auth { get; init; } = "no_auth";

    /// <summary>Written into the registry's project by apply; null leaves it as it is.</summary>
    public string? ProjectDescription { get; init; }

    /// <summary>The variable in which Feast's containers pass the whole file, in base64.</summary>
    public const string Base64Variable = "FEATURE_STORE_YAML_BASE64";

    /// <summary>Reads the file, with the process's environment put in: variables in the text, and <c>FSTORE__…</c> over the <c>fstore:</c> block.</summary>
    /// <exception cref="DefinitionException">The file is absent or wrong; every fault is listed.</exception>
    public static RepoConfig Load(string yamlPath) => Load(yamlPath, ProcessEnvironment());

    /// <summary>Reads the text that <see cref="Base64Variable"/> holds; relative paths hang off <paramref name="repoDirectory"/>.</summary>
    /// <exception cref="DefinitionException">It is no base64 of UTF-8 text, or the text is wrong.</exception>
    public static RepoConfig LoadBase64(string base64, string repoDirectory) => LoadBase64(base64, repoDirectory, ProcessEnvironment());

    internal static RepoConfig Load(string yamlPath, IReadOnlyDictionary<string, string> environment)
    {
        ArgumentException.ThrowIfNullOrEmpty(yamlPath);
        var full = Path.GetFullPath(yamlPath);
        try
        {
            return RepoConfigReader.Read(File.ReadAllText(full), Path.GetFileName(full), Path.GetDirectoryName(full)!, environment);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DefinitionException([new Fault(yamlPath, 1, 1, $"The file cannot be read ({e.Message}); name the folder that holds {FileName}.")]);
        }
    }

    internal static RepoConfig LoadBase64(string base64, string repoDirectory, IReadOnlyDictionary<string, string> environment)
    {
        ArgumentNullException.ThrowIfNull(base64);
        try
        {
            var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Convert.FromBase64String(base64));
            return RepoConfigReader.Read(text, Base64Variable, Path.GetFullPath(repoDirectory), environment);
        }
        catch (Exception e) when (e is FormatException or DecoderFallbackException)
        {
            throw new DefinitionException([new Fault(Base64Variable, 1, 1, $"The variable holds no base64 of a {FileName} in UTF-8; set it to the output of 'base64 -w0 {FileName}', or unset it.")]);
        }
    }

    private static Dictionary<string, string> ProcessEnvironment()
    {
        var variables = new Dictionary<string, string>();
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            variables[(string)variable.Key] = (string?)variable.Value ?? string.Empty;
        }

        return variables;
    }
}
