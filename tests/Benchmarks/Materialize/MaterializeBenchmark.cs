using System.Diagnostics;
using System.Globalization;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.DuckDb;
using FeatureStore.Jobs;
using FeatureStore.Jobs.Materialize;
using FeatureStore.Jobs.Runs;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OnlineStore;
using FeatureStore.OnlineStore.Redis;
using FeatureStore.Registry.Snapshot;
using StackExchange.Redis;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Benchmarks.Materialize;

/// <summary>
/// Entities with ten doubles each from Parquet into Redis, under a lease and a fence, beside a bare writer that reads the same rows the same way and sends
/// plain HSET commands: in turns, each run in a process of its own, on an emptied database.
/// </summary>
internal static class MaterializeBenchmark
{
    public const string ChildVerb = "materialize-run";
    private const string Ours = "ours";
    private const string Bare = "bare";
    private const int Features = 10;
    private const int BatchRows = 1_000; // As the verb takes.
    private const long TimeMicros = 1_750_000_000_000_000;

    // As the fstore script sets it for the verb; for both.
    private static readonly Dictionary<string, string> Runtime = new() { ["DOTNET_TieredPGO"] = "0" };

    /// <param name="arguments">--redis HOST:PORT, whose database 0 is emptied, --entities N, --pairs N, --folder PATH.</param>
    public static int Run(string[] arguments)
    {
        var settings = Settings.Parse(arguments);
        Ensure(settings);
        var ratios = new List<double>();
        for (var pair = 0; pair < settings.Pairs; pair++)
        {
            var (ours, bare) = (ChildRun.Measure(ChildVerb, Ours, arguments, Runtime), ChildRun.Measure(ChildVerb, Bare, arguments, Runtime));
            ratios.Add(ours.Seconds / bare.Seconds);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"pair {pair + 1}: {settings.Entities / ours.Seconds:N0} rows/s, {ours.CpuSeconds / settings.Entities * 100_000:F2} CPU s per 100,000; bare {settings.Entities / bare.Seconds:N0}/s; ratio of time {ratios[^1]:F2}, of CPU {ours.CpuSeconds / bare.CpuSeconds:F2}"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"median ratio {ratios.Order().ElementAt(ratios.Count / 2):F2}"));
        return 0;
    }

    /// <summary>One measured run; prints seconds first.</summary>
    public static async Task<int> RunChildAsync(string which, string[] arguments)
    {
        JobThreads.SleepAtOnce(); // Both, as the verb does.
        var settings = Settings.Parse(arguments);
        using var redis = await ConnectionMultiplexer.ConnectAsync($"{settings.Redis},allowAdmin=true,asyncTimeout=120000");
        await redis.GetServer(settings.Redis).FlushDatabaseAsync();
        var watch = Stopwatch.StartNew();
        var rows = new FeatureReader(settings.Folder, 3).Latest(View, 0, long.MaxValue / 2, BatchRows, CancellationToken.None);
        var count = which == Ours ? await MaterializeAsync(settings, rows) : await WriteAsync(redis.GetDatabase(), rows);
        ChildRun.Report(watch.Elapsed);
        return count == settings.Entities && await redis.GetServer(settings.Redis).DatabaseSizeAsync() >= count ? 0 : 1;
    }

    private static FeatureViewModel View { get; } = new(
        "wide",
        [new("user_id", Kind.String)],
        [.. Enumerable.Range(0, Features).Select(f => new FieldModel($"f{f}", Kind.Double))],
        TimeSpan.Zero,
        true,
        new SourceModel("wide", "wide.parquet", "event_timestamp", null, new Dictionary<string, string>()),
        null);

    private static OnlineTable Table { get; } = new("benchmark", View.Name, [.. View.Features.Select(f => f.Name)]);

    private static async Task<long> MaterializeAsync(Settings settings, IEnumerable<IReadOnlyList<EncodedRow>> rows)
    {
        var path = Path.Combine(settings.Folder, "runs.db");
        File.Delete(path);
        using var runs = RunFile.Open(path);
        await using var store = new RedisOnlineStore(new RedisOnlineStoreOptions(settings.Redis, RedisDeployment.Redis, "", null, false), TimeProvider.System);
        var job = new MaterializeJob(store, new Leases(runs, TimeProvider.System, MaterializeJob.LeaseDuration), new RunHistory(runs, TimeProvider.System), TimeProvider.System);
        var now = DateTimeOffset.UtcNow;
        var counts = await job.RunAsync(
            Table, new MaterializeInput(MaterializeRange.Between(DateTimeOffset.UnixEpoch, now, now), rows, null), () => { }, null, CancellationToken.None);
        return counts.Written;
    }

    private static async Task<long> WriteAsync(IDatabase database, IEnumerable<IReadOnlyList<EncodedRow>> rows)
    {
        RedisValue[] fields = [.. View.Features.Select(f => (RedisValue)FeatureHash.Field(View.Name, f.Name))];
        long count = 0;
        foreach (var batch in rows)
        {
            await Task.WhenAll(batch.Select(row => database.HashSetAsync(
                EntityKeyEncoder.ForRedis(row.EntityKey, Table.Project), [.. fields.Zip(row.Values, (f, v) => new HashEntry(f, v))])));
            count += batch.Count;
        }

        return count;
    }

    private static void Ensure(Settings settings)
    {
        var path = Path.Combine(settings.Folder, "wide.parquet");
        if (File.Exists(path))
        {
            return;
        }

        Directory.CreateDirectory(settings.Folder);
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(1024, 1, Path.Combine(settings.Folder, "make-spill")));
        using var connection = database.Connect();
        connection.Execute("SELECT setseed(0.5)");
        connection.Execute($"""
            COPY (SELECT 'u' || lpad(CAST(i AS VARCHAR), 9, '0') AS user_id, {string.Join(", ", View.Features.Select(f => $"random() * 1000 AS {f.Name}"))},
                make_timestamptz({TimeMicros}) AS event_timestamp FROM range({settings.Entities}) t(i))
            TO '{path}' (FORMAT PARQUET)
            """);
    }

    private sealed record Settings(string Redis, long Entities, int Pairs, string Folder)
    {
        public static Settings Parse(string[] arguments)
        {
            var named = arguments.Chunk(2).ToDictionary(p => p[0], p => p[1]);
            var entities = long.Parse(named.GetValueOrDefault("--entities", "1000000"), CultureInfo.InvariantCulture);
            return new Settings(
                named.GetValueOrDefault("--redis", "127.0.0.1:6379"),
                entities,
                int.Parse(named.GetValueOrDefault("--pairs", "3"), CultureInfo.InvariantCulture),
                named.GetValueOrDefault("--folder", Path.Combine(Path.GetTempPath(), $"fstore-materialize-{entities}")));
        }
    }
}
