using System.Security.Cryptography;
using System.Text.Json;
using FeatureStore.OfflineStore.DataSets;

namespace FeatureStore.Training.Data;

/// <summary>What the manifest beside a data set says of it, as far as training needs it.</summary>
/// <param name="Serving">Fingerprint of the served definitions when it was exported.</param>
/// <param name="WindowAt">Where its windows end: <c>snapshot</c> or <c>label</c>.</param>
/// <param name="From">For each column of a feature, the feature as <c>view:feature</c>.</param>
/// <param name="Files">The data's files in the order of their rows, absolute.</param>
/// <param name="Sha256">Of the manifest itself.</param>
public sealed record DataSetNotes(
    string? FeatureService, string? Serving, string? WindowAt, string? TimeColumn, IReadOnlyDictionary<string, string> From, IReadOnlyList<string> Files, string Sha256)
{
    private const string FileSuffix = ".manifest.json";
    private const string FolderName = "_manifest.json";
    private const int BytesMax = 64 << 20;

    /// <summary>Reads the manifest of a data set, and holds the files against it; null where there is none.</summary>
    /// <exception cref="DataSetException">It is damaged, or the data is not what was exported.</exception>
    public static DataSetNotes? Read(string dataset)
    {
        var isFolder = Directory.Exists(dataset);
        var path = isFolder ? Path.Combine(dataset, FolderName) : dataset + FileSuffix;
        if (!File.Exists(path))
        {
            return null;
        }

        if (new FileInfo(path).Length > BytesMax)
        {
            throw new DataSetException($"'{path}' has more than {BytesMax:N0} bytes, which no manifest has.");
        }

        var bytes = File.ReadAllBytes(path);
        try
        {
            using var document = JsonDocument.Parse(bytes);
            var root = document.RootElement;
            var query = root.GetProperty("query");
            var folder = Path.GetFullPath(isFolder ? dataset : Path.GetDirectoryName(Path.GetFullPath(dataset))!);
            return new DataSetNotes(
                Text(query, "feature_service"), Text(root, "serving"), Text(query, "window_at"), Text(query, "time_column"), Features(root),
                [.. root.GetProperty("files").EnumerateArray().Select(f => Checked(folder, f.GetProperty("path").GetString()!, f.GetProperty("sha256").GetString()!))],
                Convert.ToHexStringLower(SHA256.HashData(bytes)));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or ArgumentException)
        {
            throw new DataSetException($"'{path}' is no manifest of a data set ({e.Message}); export the data set again, or move the manifest away to train without it.", e);
        }
    }

    private static string? Text(JsonElement parent, string name) => parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static Dictionary<string, string> Features(JsonElement root) => root.GetProperty("columns").EnumerateArray()
        .Where(c => Text(c, "from")?.Contains(':', StringComparison.Ordinal) == true)
        .ToDictionary(c => Text(c, "name")!, c => Text(c, "from")!);

    private static string Checked(string folder, string name, string sha256)
    {
        var path = Path.GetFullPath(name, folder);
        if (!path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal) || !File.Exists(path))
        {
            throw new DataSetException($"The data set's file '{name}' is not there; export the data set again.");
        }

        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file)) == sha256
            ? path
            : throw new DataSetException($"The data set's file '{name}' has other bytes than were exported; export the data set again, or move its manifest away to train on the changed data.");
    }
}
