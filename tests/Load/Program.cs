using System.Globalization;
using FeatureStore.Load.Targets;

namespace FeatureStore.Load;

/// <summary>
/// <c>compare redis|sqlite [entities] [rows] [pairs] [seconds] [server core]</c> measures; <c>hold</c> with the same words
/// measures <c>fstore serve</c> alone, by 50 callers, and tells its process, for a profiler; <c>echo FILE</c> is the server
/// of constant answers that <c>compare</c> starts.
/// </summary>
internal static class Program
{
    private const int WarmCallsMin = 2_000;
    private const int WarmRows = 60_000;

    public static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["echo", var file]:
                await EchoServer.RunAsync(await File.ReadAllBytesAsync(file));
                return 0;
            case ["compare" or "hold", "redis" or "sqlite", ..]:
                var rows = Number(args, 3, 1);
                var options = new ComparisonOptions(
                    args[1] == "redis",
                    Number(args, 2, 10_000),
                    rows,
                    Number(args, 4, 5),
                    TimeSpan.FromSeconds(Number(args, 5, 3)),
                    Number(args, 6, 0),
                    Math.Max(WarmCallsMin, WarmRows / rows));
                await new Comparison(options with { FeaturesAlone = args[0] == "hold" }, Console.Out).RunAsync();
                return 0;
            default:
                await Console.Error.WriteLineAsync("usage: compare|hold redis|sqlite [entities] [rows] [pairs] [seconds] [server core]");
                return 2;
        }
    }

    private static int Number(string[] args, int index, int fallback) =>
        args.Length > index ? int.Parse(args[index], CultureInfo.InvariantCulture) : fallback;
}
