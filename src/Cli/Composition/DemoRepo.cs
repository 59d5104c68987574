using FeatureStore.Registry.Configuration;

namespace FeatureStore.Cli.Composition;

/// <summary>
/// The feature repo of a demo on generated data: definitions, and the same settings or others, in a folder of their own, so that their relative paths hang
/// off that folder and nothing of the real bank's is touched. Any verb can be sent there with <c>-c</c>.
/// </summary>
internal static class DemoRepo
{
    private const string Features = "features";

    /// <summary>The folder below a repo.</summary>
    public static string Folder(Repo of, string name) => Path.Combine(of.Config.RepoDirectory, "data", name);

    /// <summary>Copies settings and definitions anew, and opens the copy.</summary>
    /// <param name="settings">Text of other settings; null copies those.</param>
    /// <exception cref="UsageException">The settings name a path that does not hang off the repo's folder, so both demos would share it.</exception>
    public static Repo Make(Repo of, string name, string? settings = null)
    {
        var (from, to) = (of.Config.RepoDirectory, Folder(of, name));
        Directory.CreateDirectory(Path.Combine(to, Features));
        if (settings is null)
        {
            Copy(from, to, RepoConfig.FileName);
        }
        else
        {
            File.WriteAllText(Path.Combine(to, RepoConfig.FileName), settings);
        }

        foreach (var old in Directory.EnumerateFiles(Path.Combine(to, Features)))
        {
            File.Delete(old);
        }

        var definitions = Path.Combine(from, Features);
        foreach (var file in Directory.Exists(definitions) ? Directory.EnumerateFiles(definitions) : [])
        {
            Copy(definitions, Path.Combine(to, Features), Path.GetFileName(file));
        }

        var copy = Repo.Open(null, to);
        string[] shared = [of.Config.LakePath, of.Config.LogPath, of.Config.RunsPath, of.Config.RegistryPath];
        return shared.Intersect([copy.Config.LakePath, copy.Config.LogPath, copy.Config.RunsPath, copy.Config.RegistryPath]).FirstOrDefault() is { } path
            ? throw new UsageException($"The settings name {path} for every folder, so generated data would mix with the real; write a relative path in {RepoConfig.FileName}.")
            : copy;
    }

    private static void Copy(string from, string to, string name) => File.Copy(Path.Combine(from, name), Path.Combine(to, name), overwrite: true);
}
