using System.Diagnostics;
using System.Globalization;
using FeatureStore.Benchmarks.Weekly;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.DataSets;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.PointInTime;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.Benchmarks.Training;

/// <summary>The export against a plain ASOF query over the same files: in turns, each run in a process of its own.</summary>
internal static class TrainingBenchmark
{
    public const string ChildVerb = "training-export-run";
    private const string Ours = "ours";
    private const string Plain = "plain";
    private const string Ordered = "ordered";
    private const string Windows = "windows";

    public static int Run(TrainingSettings settings)
    {
        TrainingFiles.Ensure(settings);
        Console.WriteLine($"{settings.Labels} labels, {TrainingFiles.Views} views of {settings.Rows} rows, {settings.LatePercent} % late, {settings.Threads} threads, memory limit {settings.MemoryMiB} MiB");
        var costs = new List<(ChildRun Ours, ChildRun Plain, ChildRun Ordered)>();
        for (var pair = 0; pair < settings.Pairs; pair++)
        {
            costs.Add((Measure(Ours, settings), Measure(Plain, settings), Measure(Ordered, settings)));
        }

        Ratios("plain", [.. costs.Select(c => (c.Ours, c.Plain))]);
        Ratios("plain in the order of the labels", [.. costs.Select(c => (c.Ours, c.Ordered))]);
        var rows = Count(settings, Target(Ours, settings));
        Console.WriteLine($"{rows} of {settings.Labels} labels kept in order; {Differing(settings)} differ from the plain query, which knows neither ttl nor known time");
        return rows == settings.Labels ? 0 : 1;
    }

    /// <summary>Windows at each label, over the bank of the weekly benchmark.</summary>
    public static int RunWindows(TrainingSettings settings)
    {
        var bank = WeeklySettings.Parse([]);
        Console.WriteLine($"{BankLake.Ensure(bank, CancellationToken.None)} changes of {bank.Users} users, {settings.Labels} labels");
        for (var run = 0; run < settings.Pairs; run++)
        {
            Measure(Windows, settings);
        }

        return 0;
    }

    /// <summary>One measured run; prints seconds, CPU seconds and the peak of resident memory.</summary>
    public static int RunChild(string which, TrainingSettings settings)
    {
        var watch = Stopwatch.StartNew();
        var options = new LakeOptions(settings.MemoryMiB, settings.Threads, Path.Combine(settings.Folder, "spill"));
        switch (which)
        {
            case Ours:
                Export(settings.Folder, options, TrainingFiles.Snapshot(), new LabelInput(Path.Combine(settings.Folder, "labels.parquet"), null, null), JoinRules.Default, which, settings);
                break;
            case Windows:
                var bank = WeeklySettings.Parse([]);
                var view = BankLake.View;
                var service = new FeatureServiceModel("all", [new ProjectionModel(view.Name, view.Name, [.. view.Features.Select(f => f.Name)], new Dictionary<string, string>())]);
                var snapshot = new RegistrySnapshot("benchmark", 3, new Dictionary<string, FeatureViewModel> { [view.Name] = view }, new Dictionary<string, FeatureServiceModel> { ["all"] = service });
                var labels = $"""
                    SELECT 'u' || lpad(CAST(hash(i) % {bank.Users} AS VARCHAR), 7, '0') AS user_id, make_timestamptz(1736640000000000 + CAST(hash(i + 1) % 29000000000000 AS BIGINT)) AS event_timestamp
                    FROM range({settings.Labels}) t(i)
                    """;
                Directory.CreateDirectory(settings.Folder);
                Export(bank.Folder, options, snapshot, new LabelInput(null, labels, null), JoinRules.Default with { WindowAt = WindowAt.Label }, which, settings);
                break;
            default:
                PlainQuery(settings, options, which);
                break;
        }

        ChildRun.Report(watch.Elapsed);
        return 0;
    }

    private static void Export(string lake, LakeOptions options, RegistrySnapshot snapshot, LabelInput labels, JoinRules rules, string which, TrainingSettings settings)
    {
        var request = new TrainingRequest(labels, [], "all", false, rules, new Dictionary<string, long>());
        var manifest = new TrainingExport(lake, options).Run(snapshot, request, DataSetTarget.Of(Target(which, settings)), CancellationToken.None);
        Console.Error.WriteLine($"    leakage: {manifest.Leakage.Values} values of {manifest.Leakage.Labels} labels");
    }

    // What a person would write: the newest row by event time, in whatever order comes out or in that of the labels. The file is as ours is.
    private static void PlainQuery(TrainingSettings settings, LakeOptions options, string which)
    {
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(options.MemoryLimitMiB, options.Threads, options.SpillFolder));
        using var connection = database.Connect();
        var views = Enumerable.Range(1, TrainingFiles.Views).ToList();
        connection.Execute($"""
            SET TimeZone = 'UTC';
            COPY (
                SELECT l.*, {string.Join(", ", views.SelectMany(TrainingFiles.FeaturesOf))} FROM read_parquet('{settings.Folder}/labels.parquet') l
                {string.Join("\n", views.Select(v => $"ASOF LEFT JOIN '{settings.Folder}/v{v}.parquet' v{v} ON l.user_id = v{v}.user_id AND l.event_timestamp >= v{v}.event_timestamp"))}
                {(which == Ordered ? "ORDER BY l.file_row_number" : string.Empty)})
            TO '{Target(which, settings)}' (FORMAT PARQUET, COMPRESSION SNAPPY, ROW_GROUP_SIZE 122880, DICTIONARY_SIZE_LIMIT 4096)
            """);
    }

    private static string Target(string which, TrainingSettings settings) => Path.Combine(settings.Folder, which + "-out.parquet");

    private static ChildRun Measure(string which, TrainingSettings settings) => ChildRun.Measure(ChildVerb, which, settings.ToArguments());

    /// <summary>Rows whose label stands where it stood.</summary>
    private static long Count(TrainingSettings settings, string target) => Number(settings, $"""
        SELECT count(*) FROM read_parquet('{settings.Folder}/labels.parquet') l JOIN read_parquet('{target}') o ON l.file_row_number = o.file_row_number
        WHERE l.user_id = o.user_id AND l.event_timestamp = o.event_timestamp AND l.label = o.label
        """);

    private static long Differing(TrainingSettings settings)
    {
        var features = Enumerable.Range(1, TrainingFiles.Views).SelectMany(TrainingFiles.FeaturesOf);
        var columns = string.Join(", ", features.Prepend("label").Prepend("event_timestamp").Prepend("user_id"));
        return Number(settings, $"SELECT count(*) FROM (SELECT {columns} FROM '{Target(Ours, settings)}' EXCEPT ALL SELECT {columns} FROM '{Target(Plain, settings)}')");
    }

    private static long Number(TrainingSettings settings, string sql)
    {
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(4096, settings.Threads, Path.Combine(settings.Folder, "compare-spill")));
        using var connection = database.Connect();
        using var reader = connection.Query(sql);
        return reader.NextChunk() ? reader.Int64(0, 0) : -1;
    }

    private static void Ratios(string rival, IReadOnlyList<(ChildRun Ours, ChildRun Rival)> costs) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"median ratios to {rival}: time {Median(costs.Select(c => c.Ours.Seconds / c.Rival.Seconds))}, CPU {Median(costs.Select(c => c.Ours.CpuSeconds / c.Rival.CpuSeconds))}, memory {Median(costs.Select(c => c.Ours.PeakMiB / c.Rival.PeakMiB))}"));

    private static string Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return string.Create(CultureInfo.InvariantCulture, $"{sorted[sorted.Count / 2]:F2} ({sorted[0]:F2} to {sorted[^1]:F2})");
    }
}
