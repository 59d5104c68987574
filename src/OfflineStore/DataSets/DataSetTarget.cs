using FeatureStore.OfflineStore.PointInTime;

namespace FeatureStore.OfflineStore.DataSets;

/// <summary>How a data set lies on disk.</summary>
public enum DataSetFormat
{
    /// <summary>One Parquet file.</summary>
    Parquet,

    /// <summary>One CSV file with a header.</summary>
    Csv,

    /// <summary>A folder of Parquet files, one for each UTC day of the labels' times and part of the labels.</summary>
    Folder,
}

/// <summary>Where a data set goes.</summary>
/// <param name="Path">The file or folder, absolute.</param>
public sealed record DataSetTarget(string Path, DataSetFormat Format)
{
    private const string ManifestSuffix = ".manifest.json";

    /// <summary>Name of the manifest within a folder; readers of Parquet leave names with an underscore out.</summary>
    private const string FolderManifest = "_manifest.json";

    /// <summary>The manifest's path: beside a file, within a folder.</summary>
    public string ManifestPath => Format == DataSetFormat.Folder ? System.IO.Path.Combine(Path, FolderManifest) : Path + ManifestSuffix;

    /// <summary>A folder of the target's own for what is not whole yet, on the same disk.</summary>
    public string Workshop => System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path)!, $".{System.IO.Path.GetFileName(Path)}.{Guid.NewGuid():N}.tmp");

    /// <summary>Takes the format from the name: <c>.parquet</c>, <c>.csv</c>, else a folder.</summary>
    /// <exception cref="LabelException">A name of some other kind of file.</exception>
    public static DataSetTarget Of(string path)
    {
        var full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        return System.IO.Path.GetExtension(full).ToLowerInvariant() switch
        {
            ".parquet" => new DataSetTarget(full, DataSetFormat.Parquet),
            ".csv" => new DataSetTarget(full, DataSetFormat.Csv),
            "" => new DataSetTarget(full, DataSetFormat.Folder),
            _ when path.EndsWith('/') || Directory.Exists(full) => new DataSetTarget(full, DataSetFormat.Folder),
            var other => throw new LabelException($"--output is '{path}'; a data set is written as .parquet, as .csv, or into a folder, and not as {other}."),
        };
    }

    /// <summary>The data set that a person names: its file or folder, or its manifest.</summary>
    /// <exception cref="LabelException">There is no manifest.</exception>
    public static DataSetTarget Existing(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        var data = full.EndsWith(ManifestSuffix, StringComparison.Ordinal) ? full[..^ManifestSuffix.Length]
            : System.IO.Path.GetFileName(full) == FolderManifest ? System.IO.Path.GetDirectoryName(full)!
            : full;
        var target = Of(data);
        return File.Exists(target.ManifestPath)
            ? target
            : throw new LabelException($"{path} is no data set: there is no {target.ManifestPath}. Name what get-historical-features wrote.");
    }

    /// <summary>Every data set below a folder, by path.</summary>
    /// <exception cref="LabelException">There is no such folder.</exception>
    public static IEnumerable<DataSetTarget> Below(string folder) => !Directory.Exists(folder)
        ? throw new LabelException($"{folder} is no folder; name one that get-historical-features wrote to.")
        : Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 8, IgnoreInaccessible = true })
            .Where(f => f.EndsWith(ManifestSuffix, StringComparison.Ordinal) || System.IO.Path.GetFileName(f) == FolderManifest)
            .Order(StringComparer.Ordinal)
            .Select(Existing);
}
