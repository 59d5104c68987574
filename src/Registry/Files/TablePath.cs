using FeatureStore.Registry.Configuration;

namespace FeatureStore.Registry.Files;

/// <summary>
/// Turns a table's path between its two forms. A definition writes <c>features/weekly</c>, relative to the lake; the
/// registry holds what Feast resolves against the repo, <c>data/lake/features/weekly</c>, so that a repo can be moved.
/// </summary>
internal static class TablePath
{
    private const string Scheme = "://";
    private const string FileScheme = "file://";

    /// <summary>The registry's form of a path from a definition.</summary>
    public static string ToUri(string path, RepoConfig config)
    {
        if (path.Contains(Scheme, StringComparison.Ordinal) || Path.IsPathRooted(path))
        {
            return path;
        }

        if (config.LakePath.Contains(Scheme, StringComparison.Ordinal))
        {
            return $"{config.LakePath}/{path}";
        }

        var full = Path.GetFullPath(path, config.LakePath);
        return Inside(full, config.RepoDirectory) ?? full;
    }

    /// <summary>The form that readers take: relative to the lake if the table lies in it, else absolute.</summary>
    public static string FromUri(string uri, RepoConfig config)
    {
        if (uri.Length == 0)
        {
            return uri;
        }

        uri = uri.StartsWith(FileScheme, StringComparison.Ordinal) ? uri[FileScheme.Length..] : uri;
        if (uri.Contains(Scheme, StringComparison.Ordinal))
        {
            return uri.StartsWith(config.LakePath + "/", StringComparison.Ordinal) ? uri[(config.LakePath.Length + 1)..] : uri;
        }

        var full = Path.GetFullPath(uri, config.RepoDirectory);
        return config.LakePath.Contains(Scheme, StringComparison.Ordinal) ? full : Inside(full, config.LakePath) ?? full;
    }

    private static string? Inside(string full, string folder)
    {
        var relative = Path.GetRelativePath(folder, full);
        return Path.IsPathRooted(relative) || relative == "." || relative.Split(Path.DirectorySeparatorChar)[0] == ".." ? null : relative.Replace('\\', '/');
    }
}
