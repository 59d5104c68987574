using System.Diagnostics;
using System.Globalization;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Benchmarks.Lake;

/// <summary>What it costs to open a table with a long log: on its newest checkpoint, by replaying every commit, and once more in the same process.</summary>
internal static class LogBenchmark
{
    private const string Stats = """{\"numRecords\":1000,\"minValues\":{\"__lsn\":1,\"time\":\"2026-01-01T00:00:00.000000Z\"},\"maxValues\":{\"__lsn\":1000,\"time\":\"2026-01-01T23:59:59.999999Z\"},\"nullCount\":{\"__lsn\":0,\"time\":0}}""";

    public static int Run(string[] args)
    {
        var commits = Number(args, "--commits", 10_000);
        var pairs = Number(args, "--pairs", 5);
        var folder = Directory.CreateTempSubdirectory("log-benchmark").FullName;
        try
        {
            var (checkpointed, plain) = (Path.Combine(folder, "checkpointed"), Path.Combine(folder, "plain"));
            var written = Write(checkpointed, commits, withCheckpoint: true);
            _ = Write(plain, commits, withCheckpoint: false);
            Console.WriteLine($"{commits:N0} commits of one file; the checkpoint took {written.TotalMilliseconds:N0} ms to write");
            Open(checkpointed, commits);
            Open(plain, commits);
            var ratios = new List<double>();
            for (var pair = 1; pair <= pairs; pair++)
            {
                var (onCheckpoint, cpu, again) = Open(checkpointed, commits);
                var (replay, replayCpu, _) = Open(plain, commits);
                ratios.Add(cpu / replayCpu);
                Console.WriteLine($"pair {pair}: on the checkpoint {onCheckpoint:N0} ms ({cpu:N0} CPU), replay {replay:N0} ms ({replayCpu:N0} CPU), ratio of CPU {ratios[^1]:N2}; read again {again:N1} ms");
            }

            ratios.Sort();
            Console.WriteLine($"median ratio of CPU {ratios[ratios.Count / 2]:N3}");
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static (double First, double Cpu, double Again) Open(string root, int commits)
    {
        var log = new DeltaLog(root);
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        var clock = Stopwatch.StartNew();
        var snapshot = log.Read(CancellationToken.None)!;
        var first = clock.Elapsed.TotalMilliseconds;
        process.Refresh();
        var cpu = (process.TotalProcessorTime - before).TotalMilliseconds;
        clock.Restart();
        _ = log.Read(CancellationToken.None);
        return snapshot.Files.Count == commits && snapshot.Version == commits - 1
            ? (first, cpu, clock.Elapsed.TotalMilliseconds)
            : throw new InvalidOperationException($"{root}: version {snapshot.Version} with {snapshot.Files.Count} files.");
    }

    /// <summary>Commits as the store writes them, without waiting for the disk; the one that a checkpoint is due with goes through the store.</summary>
    private static TimeSpan Write(string root, int commits, bool withCheckpoint)
    {
        var log = new DeltaLog(root);
        var metadata = new DeltaMetadata("i", """{"type":"struct","fields":[]}""", ["__commit_date"], new Dictionary<string, string>());
        _ = log.TryCommit(0, new DeltaCommit(DeltaProtocol.Plain, metadata, null, [DataFile(0)], []));
        var last = (commits - 2) / 50 * 50;
        var took = TimeSpan.Zero;
        for (var version = 1; version < commits; version++)
        {
            if (withCheckpoint && version == last)
            {
                _ = log.Read(CancellationToken.None);
                var clock = Stopwatch.StartNew();
                _ = log.TryCommit(version, new DeltaCommit(null, null, new LakeTxn("app", version), [DataFile(version)], []));
                took = clock.Elapsed;
                continue;
            }

            var name = version.ToString("D20", CultureInfo.InvariantCulture) + ".json";
            File.WriteAllText(Path.Combine(root, "_delta_log", name), string.Create(CultureInfo.InvariantCulture, $$$$"""
                {"commitInfo":{"timestamp":1,"operation":"WRITE","operationParameters":{},"isBlindAppend":true,"engineInfo":"FeatureStore"}}
                {"txn":{"appId":"app","version":{{{{version}}}},"lastUpdated":1}}
                {"add":{"path":"{{{{DataPath(version)}}}}","partitionValues":{"__commit_date":"2026-01-01"},"size":1,"modificationTime":1,"dataChange":true,"stats":"{{{{Stats}}}}","tags":{"fstore.kind":"insert"}}}

                """));
        }

        return took;
    }

    private static DeltaFile DataFile(int version) => new(
        DataPath(version), new Dictionary<string, string?> { ["__commit_date"] = "2026-01-01" }, 1, 1, Stats.Replace("\\", string.Empty, StringComparison.Ordinal), new Dictionary<string, string> { ["fstore.kind"] = "insert" });

    private static string DataPath(int version) => string.Create(CultureInfo.InvariantCulture, $"__commit_date=2026-01-01/part-{version:D32}.parquet");

    private static int Number(string[] args, string name, int byDefault)
    {
        var at = Array.IndexOf(args, name);
        return at < 0 ? byDefault : int.Parse(args[at + 1], CultureInfo.InvariantCulture);
    }
}
