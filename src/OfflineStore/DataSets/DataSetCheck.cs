namespace FeatureStore.OfflineStore.DataSets;

/// <summary>Holds the files of a data set against its manifest.</summary>
public static class DataSetCheck
{
    /// <summary>What is not as it was written; empty for a whole data set.</summary>
    public static IReadOnlyList<string> Faults(DataSetTarget target)
    {
        var manifest = DataSetManifest.Read(target.ManifestPath);
        var folder = target.Format == DataSetFormat.Folder ? target.Path : Path.GetDirectoryName(target.Path)!;
        var faults = manifest.Files.Select(f => Fault(folder, f)).OfType<string>().ToList();
        if (target.Format == DataSetFormat.Folder)
        {
            var known = manifest.Files.Select(f => f.Path).ToHashSet(StringComparer.Ordinal);
            faults.AddRange(Directory.EnumerateFiles(target.Path, "*.parquet", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(target.Path, f).Replace('\\', '/')).Where(f => !known.Contains(f)).Order(StringComparer.Ordinal)
                .Select(f => $"{f} was not written by the export"));
        }

        if (DataSetWriter.Sha256(manifest.Files) != manifest.Sha256 || manifest.Files.Sum(f => f.Rows) != manifest.Rows)
        {
            faults.Add("the manifest contradicts itself; it was edited");
        }

        return faults;
    }

    private static string? Fault(string folder, DataSetFile file)
    {
        var path = Path.GetFullPath(file.Path, folder);
        return !path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? $"{file.Path} lies outside of the data set"
            : !File.Exists(path) ? $"{file.Path} is missing"
            : new FileInfo(path).Length != file.Bytes ? $"{file.Path} has {new FileInfo(path).Length} bytes, and {file.Bytes} were written"
            : DataSetWriter.Hash(path) != file.Sha256 ? $"{file.Path} has other bytes than were written"
            : null;
    }
}
