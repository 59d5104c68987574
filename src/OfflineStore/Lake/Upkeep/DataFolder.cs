using System.IO.Enumeration;

namespace FeatureStore.OfflineStore.Lake.Upkeep;

/// <summary>A file in a table's folder.</summary>
/// <param name="Path">Relative to the table's folder.</param>
internal sealed record FoundFile(string Path, long Bytes, DateTimeOffset Modified);

/// <summary>The data files that lie in a table's folder, named by its log or not. Others write and delete there meanwhile.</summary>
internal static class DataFolder
{
    // Links lead out of the table.
    private static readonly EnumerationOptions OwnFiles = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };

    /// <summary>All but hidden ones: by Delta's rule what begins with an underscore or a dot, unless it is a partition's folder.</summary>
    public static List<FoundFile> List(string root) => Files(root, root, isHiddenLeftOut: true);

    /// <summary>What waits for a commit, or was left by a broken run.</summary>
    public static List<FoundFile> Temporary(string root) => Files(Path.Combine(root, LakeFiles.TemporaryFolder), root, isHiddenLeftOut: false);

    private static List<FoundFile> Files(string folder, string root, bool isHiddenLeftOut)
    {
        if (!Directory.Exists(folder))
        {
            return [];
        }

        // An entry tells its length without an error though its file is gone by then.
        var files = new FileSystemEnumerable<FoundFile>(
            folder,
            static (ref FileSystemEntry entry) => new FoundFile(entry.ToFullPath(), entry.Length, entry.LastWriteTimeUtc),
            OwnFiles)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && !(isHiddenLeftOut && IsHidden(entry.FileName)),
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !(isHiddenLeftOut && IsHidden(entry.FileName) && !entry.FileName.Contains('=')),
        };
        return [.. files.Select(f => f with { Path = Path.GetRelativePath(root, f.Path) })];
    }

    private static bool IsHidden(ReadOnlySpan<char> name) => name[0] is '_' or '.';
}
