using System.Diagnostics;
using System.Globalization;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Benchmarks.Weekly;

/// <summary>Weekly features against the bare query: in turns, each run in a process of its own, answers compared.</summary>
internal static class WeeklyBenchmark
{
    public const string ChildVerb = "weekly-features-run";
    private const string Ours = "ours";
    private const string Bare = "bare";

    public static int Run(WeeklySettings settings)
    {
        var changes = BankLake.Ensure(settings, CancellationToken.None);
        Console.WriteLine($"{changes} changes, {settings.Users} users, {settings.Weeks} weeks, {settings.Times} feature times, {settings.Threads} threads, memory limit {settings.MemoryMiB} MiB");
        var ratios = new List<Cost>();
        for (var pair = 0; pair < settings.Pairs; pair++)
        {
            var ours = Measure(Ours, settings);
            var bare = Measure(Bare, settings);
            ratios.Add(new Cost(ours.Seconds / bare.Seconds, ours.CpuSeconds / bare.CpuSeconds));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"pair {pair + 1}: ratio {ratios[^1].Seconds:F2}, of CPU {ratios[^1].CpuSeconds:F2}"));
        }

        var differing = Differing(settings);
        Console.WriteLine($"median ratio {Spread(ratios.Select(r => r.Seconds))}, of CPU {Spread(ratios.Select(r => r.CpuSeconds))}; {differing} users differ");
        return differing == 0 ? 0 : 1;
    }

    /// <summary>One measured run; prints seconds, CPU seconds and the peak of resident memory.</summary>
    public static int RunChild(string which, WeeklySettings settings)
    {
        var target = Path.Combine(settings.Folder, which == Ours ? BankLake.Features : Bare);
        if (Directory.Exists(target))
        {
            Directory.Delete(target, recursive: true);
        }

        var watch = Stopwatch.StartNew();
        if (which == Ours)
        {
            var options = new LakeOptions(settings.MemoryMiB, settings.Threads, Path.Combine(settings.Folder, "spill"));
            new WeeklyFeatures(settings.Folder, options).Compute(BankLake.View, BankLake.Times(settings), CancellationToken.None);
        }
        else
        {
            BareQuery.Run(settings, target);
        }

        ChildRun.Report(watch.Elapsed);
        return 0;
    }

    private static ChildRun Measure(string which, WeeklySettings settings) => ChildRun.Measure(ChildVerb, which, settings.ToArguments());

    private static string Spread(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return string.Create(CultureInfo.InvariantCulture, $"{sorted[sorted.Count / 2]:F2} (from {sorted[0]:F2} to {sorted[^1]:F2})");
    }

    /// <summary>Users whose newest row of ours is not the bare query's: counts and bounds exactly, totals within 1e-9 of their size.</summary>
    private static long Differing(WeeklySettings settings)
    {
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(settings.MemoryMiB, settings.Threads, Path.Combine(settings.Folder, "compare-spill")));
        using var connection = database.Connect();
        using var reader = connection.Query($"""
            WITH ours AS (
                SELECT * FROM read_parquet('{settings.Folder}/{BankLake.Features}/event_date=*/*.parquet', hive_partitioning = false)
                QUALIFY row_number() OVER (PARTITION BY user_id, event_timestamp ORDER BY created_timestamp DESC) = 1),
            bare AS (SELECT * FROM read_parquet('{settings.Folder}/{Bare}/*.parquet'))
            SELECT count(*) FROM ours o FULL JOIN bare b ON o.user_id = b.user_id AND o.event_timestamp = b.event_timestamp
            WHERE (b.user_id IS NULL AND o.num_transactions_l1w <> 0) OR o.user_id IS NULL OR (b.user_id IS NOT NULL AND (
                o.num_transactions_l1w <> b.num_transactions_l1w OR o.num_vendors_l1w <> b.num_vendors_l1w
                OR o.num_sources_l1w <> b.num_sources_l1w OR o.min_amount_l1w IS DISTINCT FROM b.min_amount_l1w
                OR o.max_amount_l1w IS DISTINCT FROM b.max_amount_l1w
                OR abs(o.total_amount_l1w - b.total_amount_l1w) > 1e-9 * (1 + abs(b.total_amount_l1w))
                OR (o.avg_amount_l1w IS NULL) <> (b.avg_amount_l1w IS NULL)
                OR abs(o.avg_amount_l1w - b.avg_amount_l1w) > 1e-9 * (1 + abs(b.avg_amount_l1w))))
            """);
        return reader.NextChunk() ? reader.Int64(0, 0) : -1;
    }

    private sealed record Cost(double Seconds, double CpuSeconds);
}
