namespace FeatureStore.OfflineStore.Lake.Upkeep;

/// <summary>A file in a table's folder.</summary>
/// <param name="Path">Relative to the table's folder.</param>
internal sealed record FoundFile(string Path, long Bytes, DateTimeOffset Modified);

/// <summary>The data files that lie in a table's folder, named by its log or not.</summary>
internal static class DataFolder
{
    // Links lead out of the table.
    private static readonly EnumerationOptions OwnFiles = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };

    /// <summary>All but hidden ones: by Delta's rule what begins with an underscore or a dot, unless it is a partition's folder.</summary>
    public static List<FoundFile> List(string root) => Directory.Exists(root) ? [.. Files(root, root).Where(f => !IsHidden(f.Path))] : [];

    /// <summary>What waits for a commit, or was left by a broken run.</summary>
    public static List<FoundFile> Temporary(string root)
    {
        var folder = Path.Combine(root, LakeFiles.TemporaryFolder);
        return Directory.Exists(folder) ? [.. Files(folder, root)] : [];
    }

    private static IEnumerable<FoundFile> Files(string folder, string root) => new DirectoryInfo(folder).EnumerateFiles("*", OwnFiles)
        .Select(f => new FoundFile(Path.GetRelativePath(root, f.FullName), f.Length, new DateTimeOffset(f.LastWriteTimeUtc)));

    private static bool IsHidden(string path)
    {
        var parts = path.Split(Path.DirectorySeparatorChar);
        return parts.Where((p, i) => (p[0] is '_' or '.') && (i == parts.Length - 1 || !p.Contains('=', StringComparison.Ordinal))).Any();
    }
}
