using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.Features;

/// <summary>
/// Runs a grouping for a part of its keys after the other, since the lists and distinct values that it gathers stay in memory until it ends. How many parts
/// are needed is told from the rows; where that was too few, halves are tried, and the halves of those, though a statement that ran out of memory leaves
/// some of it taken in DuckDB.
/// </summary>
internal static class KeyParts
{
    private const int PartsMax = 1_024;

    // A value in a sorted list, and two texts in tables of distinct ones; half of the limit is for everything else.
    private const long BytesPerRow = 200;
    private const int ShareOfMemory = 2;

    /// <summary>Parts in which so many rows can be grouped.</summary>
    public static int For(long rows, int memoryMiB) => (int)Math.Min(int.MaxValue / 2, (rows * BytesPerRow / (((long)memoryMiB << 20) / ShareOfMemory)) + 1);

    /// <summary>Runs it for each of so many parts at first.</summary>
    /// <param name="run">Gets a part and how many there are. Where memory does not do it leaves nothing behind and says so by <see cref="DuckDbException"/>.</param>
    /// <exception cref="DuckDbException">It failed for another reason, or even the smallest part needs more memory.</exception>
    public static void Run(int parts, Action<int, int> run)
    {
        for (var part = 0; part < parts; part++)
        {
            Run(part, parts, run);
        }
    }

    /// <summary>A condition for the rows of a part.</summary>
    /// <param name="keys">Columns whose rows must come together.</param>
    public static string Where(string keys, int part, int parts) => parts == 1 ? "true" : $"hash({keys}) % {parts} = {part}";

    private static void Run(int part, int parts, Action<int, int> run)
    {
        try
        {
            run(part, parts);
        }
        catch (DuckDbException e) when (e.IsOutOfMemory && parts < PartsMax)
        {
            Run(part, 2 * parts, run);
            Run(part + parts, 2 * parts, run);
        }
    }
}
