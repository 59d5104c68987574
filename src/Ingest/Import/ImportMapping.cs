namespace FeatureStore.Ingest.Import;

/// <summary>How source files become rows of a table. Adding one: name it, say which files it reads, and yield its rows in file order.</summary>
/// <param name="Name">Tells the mapping from others; part of an import's identity, so a mapping that changes its rows changes its name.</param>
/// <param name="Files">The files to read for a path, a file or a folder; in a fixed order. Their content is part of the identity.</param>
/// <param name="Rows">Rows of those files, values as the table's columns say. Faults are <see cref="ImportException"/>.</param>
public sealed record ImportMapping(
    string Name, ImportTable Table, Func<string, IReadOnlyList<string>> Files, Func<IReadOnlyList<string>, IEnumerable<object?[]>> Rows)
{
    /// <summary>The transactions of the PKDD'99 bank data: a file, or a folder with <c>trans*.csv</c> or <c>trans*.csv.gz</c>.</summary>
    public static ImportMapping BerkaTransactions { get; } = new(
        "berka", ImportTable.Transactions, path => ImportFiles.Matching(path, "trans"), Import.BerkaTransactions.Read);

    /// <summary>The owners of the bank's accounts: a folder with the files account, client, disp and district.</summary>
    public static ImportMapping BerkaCustomers { get; } = new("berka", ImportTable.Customers, Import.BerkaCustomers.Files, Import.BerkaCustomers.Read);
}

/// <summary>Finds source files by name.</summary>
internal static class ImportFiles
{
    /// <summary>The file itself, or those of a folder whose names begin so, by name.</summary>
    public static IReadOnlyList<string> Matching(string path, string prefix)
    {
        if (!Directory.Exists(path))
        {
            return [path];
        }

        var files = Directory.EnumerateFiles(path, prefix + "*").Where(IsCsv).Order(StringComparer.Ordinal).ToArray();
        return files.Length > 0 ? files : throw new ImportException($"{path} has no file '{prefix}*.csv' or '{prefix}*.csv.gz'; name a file or another folder.");
    }

    /// <summary>The file of that name in a folder, plain or gzip.</summary>
    public static string Named(string folder, string name) =>
        new[] { $"{name}.csv", $"{name}.csv.gz" }.Select(file => Path.Combine(folder, file)).FirstOrDefault(File.Exists)
            ?? throw new ImportException($"{folder} has no file '{name}.csv' or '{name}.csv.gz'; name the folder that holds the whole data set.");

    private static bool IsCsv(string file) => file.EndsWith(".csv", StringComparison.Ordinal) || file.EndsWith(".csv.gz", StringComparison.Ordinal);
}
