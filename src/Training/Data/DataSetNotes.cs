using System.Security.Cryptography;
using FeatureStore.OfflineStore.DataSets;

namespace FeatureStore.Training.Data;

/// <summary>What the manifest beside a data set says of it, as far as training needs it.</summary>
/// <param name="Files">The data's files in the order of their rows, absolute.</param>
/// <param name="Sha256">Of the manifest itself.</param>
public sealed record DataSetNotes(DataSetManifest Manifest, IReadOnlyList<string> Files, string Sha256)
{
    private const string FromLabel = "label";

    /// <summary>Fingerprint of the served definitions when it was exported.</summary>
    public string? Serving => Manifest.Serving;

    public string? FeatureService => Manifest.Query.FeatureService;

    /// <summary>Where its windows end: <c>snapshot</c> or <c>label</c>.</summary>
    public string WindowAt => Manifest.Query.WindowAt;

    /// <summary>The column that a feature was exported to; null where it was not.</summary>
    /// <param name="fullName">The feature as <c>view__feature</c>.</param>
    public string? ColumnOf(string fullName) =>
        Manifest.Columns.FirstOrDefault(c => c.From != FromLabel && c.From.Replace(":", "__", StringComparison.Ordinal) == fullName)?.Name;

    /// <summary>Reads the manifest of a data set, and holds the files against it; null where there is none.</summary>
    /// <exception cref="DataSetException">The data is not what was exported.</exception>
    public static DataSetNotes? Read(string dataset)
    {
        // Only what get-historical-features writes can have one.
        if (!Directory.Exists(dataset) && Path.GetExtension(dataset).ToLowerInvariant() is not (".parquet" or ".csv"))
        {
            return null;
        }

        var target = DataSetTarget.Of(dataset);
        if (!File.Exists(target.ManifestPath))
        {
            return null;
        }

        if (DataSetCheck.Faults(target) is { Count: > 0 } faults)
        {
            throw new DataSetException($"The data set is not what was exported: {string.Join("; ", faults)}. Export it again, or move its manifest away to train on the changed data.");
        }

        var manifest = DataSetManifest.Read(target.ManifestPath);
        var folder = Path.GetDirectoryName(target.ManifestPath)!;
        return new DataSetNotes(manifest, [.. manifest.Files.Select(f => Path.Combine(folder, f.Path))], Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(target.ManifestPath))));
    }
}
