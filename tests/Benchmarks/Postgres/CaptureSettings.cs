using System.Globalization;

namespace FeatureStore.Benchmarks.Postgres;

/// <summary>What the capture benchmark is told; a child gets the same words.</summary>
/// <param name="Cases">stream, drain, single, latency, memory.</param>
/// <param name="Rows">Changes of the cases stream and drain, and of memory the smaller number.</param>
/// <param name="LargeRows">The larger number of memory; 0 for none.</param>
/// <param name="Connection">A PostgreSQL with <c>wal_level=logical</c> whose table <c>public.transactions</c> may be dropped; null starts one.</param>
internal sealed record CaptureSettings(
    IReadOnlyList<string> Cases, long Rows, long Singles, long SmallRows, long LargeRows, int Pairs, int Seconds, string? Connection, string Folder)
{
    /// <summary>Where the lake is.</summary>
    public string Lake => Path.Combine(Folder, "lake");

    /// <summary>Where a child puts the moments of a latency run.</summary>
    public string Stamps => Path.Combine(Folder, "stamps");

    /// <summary>True if the child ends with what was there at its start, else after <see cref="Rows"/>.</summary>
    public bool IsUntilCaughtUp { get; init; }

    public static CaptureSettings Parse(string[] arguments)
    {
        var named = arguments.Chunk(2).ToDictionary(p => p[0], p => p[1]);
        long Number(string name, long otherwise) => named.TryGetValue(name, out var text) ? long.Parse(text, CultureInfo.InvariantCulture) : otherwise;
        return new CaptureSettings(
            named.GetValueOrDefault("--cases", "stream,drain,single,latency,memory").Split(','),
            Number("--rows", 300_000),
            Number("--singles", 40_000),
            Number("--small-rows", 1_000_000),
            Number("--large-rows", 0),
            (int)Number("--pairs", 3),
            (int)Number("--seconds", 20),
            named.GetValueOrDefault("--connection"),
            named.GetValueOrDefault("--folder", Path.Combine(Path.GetTempPath(), "fstore-capture-benchmark")))
        { IsUntilCaughtUp = Number("--until-caught-up", 0) == 1 };
    }

    /// <summary>The words of a child.</summary>
    public string[] Child(string connection, long rows, bool isUntilCaughtUp) =>
    [
        "--connection", connection, "--folder", Folder, "--rows", rows.ToString(CultureInfo.InvariantCulture), "--until-caught-up", isUntilCaughtUp ? "1" : "0",
    ];
}
