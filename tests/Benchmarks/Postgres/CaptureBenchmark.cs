using System.Diagnostics;
using System.Globalization;

namespace FeatureStore.Benchmarks.Postgres;

/// <summary>
/// Capture of PostgreSQL into durable rows of the lake, beside a bare reader of the same slot protocol that drops what it reads: in turns, each run in a
/// process of its own, over a PostgreSQL on the same machine.
/// </summary>
internal static class CaptureBenchmark
{
    public const string ChildVerb = "capture-run";
    private const int Transactions = 30;
    private const long MemoryRowsPerTransaction = 10_000;
    private const int WarmSeconds = 3;
    private static readonly int[] Rates = [500, 2_000];

    public static async Task<int> RunAsync(CaptureSettings settings)
    {
        Directory.CreateDirectory(settings.Folder);
        await using var source = await CaptureSource.StartAsync(settings.Connection);
        foreach (var which in settings.Cases)
        {
            Console.WriteLine($"{which} (load {File.ReadAllText("/proc/loadavg").Split(' ')[0]})");
            await (which switch
            {
                "stream" => PairsAsync(settings, pair => StreamAsync(source, settings, pair)),
                "drain" => PairsAsync(settings, pair => DrainAsync(source, settings, pair, settings.Rows, s => s.CopyAsync(settings.Rows, settings.Rows / Transactions))),
                "single" => PairsAsync(settings, pair => DrainAsync(source, settings, pair, settings.Singles, s => s.SinglesAsync(settings.Singles))),
                "latency" => LatencyAsync(source, settings),
                "memory" => MemoryAsync(source, settings),
                _ => throw new ArgumentException($"There is no case '{which}': stream, drain, single, latency, memory."),
            });
        }

        return 0;
    }

    private static async Task PairsAsync(CaptureSettings settings, Func<int, Task<(double Time, double Cpu)>> run)
    {
        var ratios = new List<(double Time, double Cpu)>();
        for (var pair = 0; pair < settings.Pairs; pair++)
        {
            ratios.Add(await run(pair));
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"median ratio to the bare reader: time {Median(ratios.Select(r => r.Time)):F2}, CPU {Median(ratios.Select(r => r.Cpu)):F2}"));
    }

    private static async Task<(double Time, double Cpu)> StreamAsync(CaptureSource source, CaptureSettings settings, int pair)
    {
        async Task<ChildRun> MeasureAsync(string which, string slot)
        {
            await ResetAsync(source, settings);
            var child = Task.Run(() => ChildRun.Measure(ChildVerb, which, settings.Child(source.Connection, settings.Rows, isUntilCaughtUp: false)));
            await source.WaitForReaderAsync(slot);
            await source.CopyAsync(settings.Rows, settings.Rows / Transactions);
            return await child;
        }

        return Compare(pair, settings.Rows, await MeasureAsync(CaptureReaders.Ours, CaptureSource.Slot), await MeasureAsync(CaptureReaders.Bare, CaptureSource.BareSlot));
    }

    private static async Task<(double Time, double Cpu)> DrainAsync(CaptureSource source, CaptureSettings settings, int pair, long rows, Func<CaptureSource, Task> load)
    {
        await ResetAsync(source, settings);
        await load(source);
        var arguments = settings.Child(source.Connection, rows, isUntilCaughtUp: true);
        return Compare(pair, rows, ChildRun.Measure(ChildVerb, CaptureReaders.Ours, arguments), ChildRun.Measure(ChildVerb, CaptureReaders.Bare, arguments));
    }

    private static (double Time, double Cpu) Compare(int pair, long rows, ChildRun ours, ChildRun bare)
    {
        string Text(ChildRun run) => string.Create(CultureInfo.InvariantCulture, $"{rows / run.Seconds:N0} changes/s, {run.CpuSeconds * 1000 / rows:F4} CPU s per 1,000, {run.PeakMiB:F0} MiB");
        var ratio = (Time: ours.Seconds / bare.Seconds, Cpu: ours.CpuSeconds / bare.CpuSeconds);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"pair {pair + 1}: ours {Text(ours)}; bare {Text(bare)}; ratio of time {ratio.Time:F2}, of CPU {ratio.Cpu:F2}"));
        return ratio;
    }

    private static async Task LatencyAsync(CaptureSource source, CaptureSettings settings)
    {
        foreach (var rate in Rates)
        {
            foreach (var (which, slot) in new[] { (CaptureReaders.OursLatency, CaptureSource.Slot), (CaptureReaders.BareLatency, CaptureSource.BareSlot) })
            {
                await ResetAsync(source, settings);
                var rows = (long)rate * (settings.Seconds + WarmSeconds);
                var child = Task.Run(() => ChildRun.Measure(ChildVerb, which, settings.Child(source.Connection, rows, isUntilCaughtUp: false)));
                await source.WaitForReaderAsync(slot);
                var moments = await source.OpenLoopAsync(rate, rows);
                var run = await child;
                var seen = File.ReadLines(settings.Stamps).Select(l => l.Split(' ').Select(w => long.Parse(w, CultureInfo.InvariantCulture)).ToArray())
                    .Where(s => s[0] >= (long)rate * WarmSeconds).ToList();
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rate}/s, {which}: {seen.Count} changes, {run.CpuSeconds * 1000 / rows:F3} CPU s per 1,000"));
                Tell("commit returned → at hand", seen.Select(s => Millis(moments[s[0]].Returned, s[1])));
                Tell("due → at hand", seen.Select(s => Millis(moments[s[0]].Due, s[1])));
                Tell("due → commit returned", seen.Select(s => Millis(moments[s[0]].Due, moments[s[0]].Returned)));
                if (which == CaptureReaders.OursLatency)
                {
                    Tell("commit returned → durable in the lake", seen.Select(s => Millis(moments[s[0]].Returned, s[2])));
                }
            }
        }
    }

    private static async Task MemoryAsync(CaptureSource source, CaptureSettings settings)
    {
        foreach (var rows in new[] { settings.SmallRows, settings.LargeRows }.Where(r => r > 0))
        {
            await ResetAsync(source, settings);
            await source.CopyAsync(rows, MemoryRowsPerTransaction);
            var run = ChildRun.Measure(ChildVerb, CaptureReaders.Ours, settings.Child(source.Connection, rows, isUntilCaughtUp: true));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rows:N0} changes: {rows / run.Seconds:N0}/s, {run.CpuSeconds * 1000 / rows:F4} CPU s per 1,000, peak RSS {run.PeakMiB:F0} MiB"));
            var began = Stopwatch.GetTimestamp();
            var again = ChildRun.Measure(ChildVerb, CaptureReaders.Ours, settings.Child(source.Connection, 0, isUntilCaughtUp: true));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"restart to caught up: {Stopwatch.GetElapsedTime(began).TotalSeconds:F2} s with the start of the process, {again.Seconds:F2} s without"));
        }
    }

    private static async Task ResetAsync(CaptureSource source, CaptureSettings settings)
    {
        if (Directory.Exists(settings.Lake))
        {
            Directory.Delete(settings.Lake, recursive: true);
        }

        await source.ResetAsync();
        await CaptureReaders.CatchUpAsync(source.Connection, settings.Lake);
    }

    // A change may be at hand before the writer is told of its own commit; that is no time at all.
    private static double Millis(long from, long to) => Math.Max(0, Stopwatch.GetElapsedTime(from, to).TotalMilliseconds);

    private static void Tell(string what, IEnumerable<double> millis)
    {
        var sorted = millis.Order().ToList();
        double At(double share) => sorted[Math.Min(sorted.Count - 1, (int)(share * sorted.Count))];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {what}: p50 {At(0.5):F2}, p99 {At(0.99):F2}, most {sorted[^1]:F2} ms"));
    }

    private static double Median(IEnumerable<double> values) => values.Order().ToList() is var sorted ? sorted[sorted.Count / 2] : 0;
}
