using System.Globalization;

namespace FeatureStore.Benchmarks.Training;

/// <summary>How large a run is.</summary>
/// <param name="Labels">Labels to join.</param>
/// <param name="Rows">Rows of each of the three views.</param>
/// <param name="Entities">Entities that they are spread over.</param>
/// <param name="LatePercent">Share of the rows that are known only after they happened.</param>
/// <param name="Pairs">Runs of ours and of the plain query, in turns.</param>
/// <param name="Folder">Where the files are kept between runs.</param>
internal sealed record TrainingSettings(long Labels, long Rows, int Entities, int LatePercent, int Pairs, int MemoryMiB, int Threads, string Folder)
{
    public static TrainingSettings Parse(string[] arguments)
    {
        var named = arguments.Chunk(2).ToDictionary(p => p[0], p => p.Length == 2 ? p[1] : throw new ArgumentException($"{p[0]} has no value."));
        var (labels, rows, entities) = (Number("--labels", 1_000_000), Number("--rows", 300_000), Number("--entities", 10_000));
        var late = Number("--late-percent", 2);
        var settings = new TrainingSettings(
            labels,
            rows,
            entities,
            late,
            Number("--pairs", 5),
            Number("--memory-mib", 1024),
            Number("--threads", 2),
            named.Remove("--folder", out var folder) ? folder : Path.Combine(Path.GetTempPath(), $"fstore-training-{labels}-{rows}-{entities}-{late}"));
        return named.Count == 0 ? settings : throw new ArgumentException($"{named.Keys.First()} is no option of this benchmark.");

        int Number(string name, int fallback) =>
            named.Remove(name, out var text) ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : fallback;
    }

    public string[] ToArguments() =>
    [
        "--labels", Text(Labels), "--rows", Text(Rows), "--entities", Text(Entities), "--late-percent", Text(LatePercent), "--pairs", Text(Pairs),
        "--memory-mib", Text(MemoryMiB), "--threads", Text(Threads), "--folder", Folder,
    ];

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
