using System.Diagnostics;
using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.Lake.Places;

/// <summary>Since when the databases that are open now may be reading files. A file is named to a database shortly before or after it opens.</summary>
internal static class OpenDatabases
{
    private static readonly TimeSpan NamedBefore = TimeSpan.FromMinutes(1);
    private static readonly Dictionary<DuckDbDatabase, long> Opened = [];

    public static void Follow(DuckDbDatabase database)
    {
        lock (Opened)
        {
            Opened[database] = Stopwatch.GetTimestamp();
        }

        database.Closed += (_, _) =>
        {
            lock (Opened)
            {
                Opened.Remove(database);
            }
        };
    }

    /// <summary>What was named since then may be read still; in ticks of <see cref="Stopwatch"/>.</summary>
    public static long ReadingSince()
    {
        lock (Opened)
        {
            var oldest = Opened.Count == 0 ? Stopwatch.GetTimestamp() : Opened.Values.Min();
            return oldest - (long)(NamedBefore.TotalSeconds * Stopwatch.Frequency);
        }
    }
}
