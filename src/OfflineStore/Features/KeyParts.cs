using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.Features;

/// <summary>
/// Runs a statement for a part of the keys after the other. What a grouping gathers of its keys stays in memory until it ends, so where all keys at once
/// are too many, their halves are tried, and the halves of those.
/// </summary>
internal static class KeyParts
{
    private const int PartsMax = 1_024;

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
    /// <param name="keys">The key columns.</param>
    public static string Where(string keys, int part, int parts) => parts == 1 ? string.Empty : $" WHERE hash({keys}) % {parts} = {part}";

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
