using System.Globalization;

namespace FeatureStore.Benchmarks.Weekly;

/// <summary>How large a run is.</summary>
/// <param name="Weeks">Weeks over which the rows are spread.</param>
/// <param name="Times">Weekly feature times computed in one go.</param>
/// <param name="Pairs">Runs of ours and of the bare query, in turns.</param>
/// <param name="Folder">Where the lake is kept between runs.</param>
internal sealed record WeeklySettings(int Users, long Rows, int Weeks, int Times, int Pairs, int MemoryMiB, int Threads, string Folder)
{
    public static WeeklySettings Parse(string[] arguments)
    {
        var named = arguments.Chunk(2).ToDictionary(p => p[0], p => p.Length == 2 ? p[1] : throw new ArgumentException($"{p[0]} has no value."));
        var users = Number("--users", 100_000);
        var rows = Number("--rows", 10_000_000);
        var settings = new WeeklySettings(
            users,
            rows,
            Number("--weeks", 53),
            Number("--times", 1),
            Number("--pairs", 3),
            Number("--memory-mib", 1024),
            Number("--threads", 2),
            named.Remove("--folder", out var folder) ? folder : Path.Combine(Path.GetTempPath(), $"fstore-bench-{users}-{rows}"));
        return named.Count == 0 ? settings : throw new ArgumentException($"{named.Keys.First()} is no option of this benchmark.");

        int Number(string name, int fallback) =>
            named.Remove(name, out var text) ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : fallback;
    }

    public string[] ToArguments() =>
    [
        "--users", Text(Users), "--rows", Text(Rows), "--weeks", Text(Weeks), "--times", Text(Times), "--pairs", Text(Pairs),
        "--memory-mib", Text(MemoryMiB), "--threads", Text(Threads), "--folder", Folder,
    ];

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
