using System.Globalization;

namespace FeatureStore.Scoring.Receipts;

/// <summary>The files of a receipt log, <c>receipts-00000001.jsonl</c> and on: numbered in the order of their making, each written by one process at a time.</summary>
public static class ReceiptFolder
{
    private const string Prefix = "receipts-";
    private const string Ending = ".jsonl";
    private const byte LineEnd = (byte)'\n';

    /// <summary>All receipts, oldest file first. A line that a process was killed over is none.</summary>
    /// <exception cref="ReceiptException">A line is damaged.</exception>
    public static IEnumerable<Receipt> Read(string folder)
    {
        foreach (var path in Files(folder))
        {
            var number = 0;
            foreach (var line in Lines(path))
            {
                yield return ReceiptJson.Read(line, $"Line {++number} of '{path}'");
            }
        }
    }

    internal static string PathOf(string folder, int number) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{number:D8}{Ending}"));

    internal static int NumberOf(string path) => int.Parse(Path.GetFileName(path)[Prefix.Length..^Ending.Length], NumberStyles.None, CultureInfo.InvariantCulture);

    internal static IReadOnlyList<string> Files(string folder) => Directory.Exists(folder)
        ? [.. Directory.EnumerateFiles(folder, $"{Prefix}*{Ending}").Where(IsNumbered).OrderBy(NumberOf)]
        : [];

    /// <summary>Where the last whole line ends.</summary>
    internal static long WholeBytes(FileStream file)
    {
        var block = new byte[64 << 10];
        for (var end = file.Length; end > 0;)
        {
            var start = Math.Max(0, end - block.Length);
            var size = (int)(end - start);
            file.Position = start;
            file.ReadExactly(block, 0, size);
            var at = block.AsSpan(0, size).LastIndexOf(LineEnd);
            if (at >= 0)
            {
                return start + at + 1;
            }

            end = start;
        }

        return 0;
    }

    private static bool IsNumbered(string path) =>
        int.TryParse(Path.GetFileName(path)[Prefix.Length..^Ending.Length], NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private static IEnumerable<byte[]> Lines(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var line = new MemoryStream();
        var block = new byte[64 << 10];
        int size;
        while ((size = file.Read(block)) > 0)
        {
            for (var from = 0; from < size;)
            {
                var at = block.AsSpan(from, size - from).IndexOf(LineEnd);
                var taken = at < 0 ? size - from : at;
                if (line.Length + taken > ReceiptOptions.ReceiptBytesMax)
                {
                    throw new ReceiptException($"'{path}' has a line of more than {ReceiptOptions.ReceiptBytesMax:N0} bytes, which no receipt has.");
                }

                line.Write(block, from, taken);
                from += taken;
                if (at >= 0)
                {
                    yield return line.ToArray();
                    line.SetLength(0);
                    from++;
                }
            }
        }
    }
}
