namespace FeatureStore.Architecture.Tests;

/// <summary>The working tree under test, found by walking up from the test's own folder.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static IEnumerable<string> SourceFiles() =>
        Directory.EnumerateFiles(Root, "*.cs", SearchOption.AllDirectories)
            .Where(f => !Relative(f).Split('/').Any(p => p is "obj" or "bin" or "node_modules" or ".git"));

    public static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "FeatureStore.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("FeatureStore.sln is in no folder above the tests.");
    }
}
