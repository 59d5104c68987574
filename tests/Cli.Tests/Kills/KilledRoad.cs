using System.Diagnostics;
using System.Globalization;
using FeatureStore.Cli.Tests.Verbs;
using static FeatureStore.Cli.Tests.Kills.CaptureCommands;

namespace FeatureStore.Cli.Tests.Kills;

/// <summary>
/// A bank in PostgreSQL, its lake on S3 and its features in Redis; the jobs between are killed, and the servers have troubles. Over Kafka the changes go on from
/// the lake that captures them into a second one, and the features are made of that.
/// </summary>
internal sealed class KilledRoad : IAsyncDisposable
{
    private const string CaptureLake = "captured";
    private const string KafkaLake = "over-kafka";
    private const string FirstDay = "2026-01-05";
    private const string Settings = "feature_store.yaml";
    private const int SigKilled = 137;
    private const int Outside = 3;

    private static readonly Dictionary<string, string[]> Steps = new()
    {
        ["capture"] = ["Lake/FileStaged", "Lake/FileMoved", "Lake/CommitReady", "Lake/CommitDone", "Ingest/BatchLanded", "Ingest/PositionNoted"],
        ["ingest"] = ["Ingest/BatchRead", "Lake/FileStaged", "Lake/FileMoved", "Lake/CommitReady", "Lake/CommitDone", "Ingest/BatchLanded", "Ingest/PositionNoted"],
        ["features"] = ["Lake/FileStaged", "Lake/FileMoved", "Lake/CommitReady", "Lake/CommitDone"],
        ["materialize-incremental"] = ["Jobs/LeaseTaken", "Jobs/FenceRaised", "Jobs/BatchWritten", "Jobs/StoreMarked", "Jobs/RangeNoted"],
    };

    private readonly Random _random;
    private readonly RoadServers _servers;
    private readonly SlotWatch _watch;
    private readonly RoadWriter _writer;
    private readonly Fstore _capturing = new();
    private readonly Fstore _fstore;
    private readonly Dictionary<string, int> _kills = [];
    private readonly List<string> _troubles = [];
    private int _days = 8;
    private int _trouble;

    private KilledRoad(Random random, RoadServers servers)
    {
        (_random, _servers, _trouble) = (random, servers, random.Next(5));
        _watch = new SlotWatch(servers.Connection, servers.S3, RoadServers.Bucket, CaptureLake);
        _writer = new RoadWriter(servers.Connection);
        File.WriteAllText(Path.Combine(_capturing.Repo, Settings), servers.Settings(CaptureLake));
        _fstore = _capturing;
        if (IsOverKafka)
        {
            _fstore = new Fstore();
            File.WriteAllText(Path.Combine(_fstore.Repo, Settings), servers.Settings(KafkaLake));
        }
    }

    /// <summary>Kills so far, by where.</summary>
    public IReadOnlyDictionary<string, int> Kills => _kills;

    public IReadOnlyList<string> Troubles => _troubles;

    /// <summary>How often the slot's position was held against the lake.</summary>
    public int Samples => _watch.Samples;

    /// <summary>Statements that were written beside the jobs.</summary>
    public int Written => _writer.Written;

    private bool IsOverKafka => _servers.Kafka is not null;

    private string LastDay => DateTime.Parse(FirstDay, CultureInfo.InvariantCulture).AddDays(_days).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    public static async Task<KilledRoad> StartAsync(Random random, bool isOverKafka) => new(random, await RoadServers.StartAsync(isOverKafka));

    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        await _watch.DisposeAsync();
        await _servers.DisposeAsync();
        _fstore.Dispose();
        if (IsOverKafka)
        {
            _capturing.Dispose();
        }
    }

    public async Task RunAsync(int kills)
    {
        await OkAsync("apply");
        await WriteAsync();
        await LandAsync();
        await OkAsync(Compute());
        await OkAsync("materialize", FirstDay, LastDay);
        _watch.Begin();
        _writer.Begin();
        while (_kills.Values.Sum() < kills)
        {
            _days += _random.Next(2) + 1;
            await WriteAsync();
            await TroubleAsync();
            foreach (var job in Jobs())
            {
                while (_random.Next(3) > 0)
                {
                    await KillAsync(job);
                }

                await RunAsync(job, null, null);
            }
        }

        await _writer.EndAsync();
        await _watch.EndAsync();
        await LandAsync();
        await OkAsync(Compute());
        await OkAsync("materialize-incremental", LastDay);
        await OkAsync("rebuild");
        await OkAsync("verify", "parity");
        for (var monday = DateTime.Parse("2026-01-12", CultureInfo.InvariantCulture); monday <= DateTime.Parse(LastDay, CultureInfo.InvariantCulture); monday = monday.AddDays(7))
        {
            var day = monday.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            await RoadOracle.CompareAsync(_servers.Connection, day, await OkAsync("features", "show", "--as-of", day, "--json"));
        }
    }

    private async Task LandAsync()
    {
        foreach (var job in Landing())
        {
            await OkAsync(job);
        }
    }

    private string[][] Landing() => IsOverKafka ? [Capture(), Ingest()] : [Capture()];

    private string[][] Jobs() =>
        [.. Landing(), _random.Next(2) == 0 ? ["features", "compute", "--touched"] : Compute(), ["materialize-incremental", LastDay]];

    private string[] Capture() => ["capture", "--until-caught-up", .. IsOverKafka ? new[] { "--also-to", "kafka" } : []];

    private static string[] Ingest() => ["ingest", "--from", "kafka"];

    private string[] Compute() => ["features", "compute", "--from", "2026-01-12", "--as-of", LastDay, "--every", "7d"];

    /// <summary>The bank's own days, somebody's corrections, and a COPY that is cut in its middle.</summary>
    private async Task WriteAsync()
    {
        await OkAsync("generate", "--to", "postgres", "--users", "40", "--seed", "5", "--first-day", FirstDay, "--days", _days.ToString(CultureInfo.InvariantCulture));
        await _servers.SqlAsync($"""
            UPDATE transactions SET amount = amount + 1 WHERE mod(abs(hashtext(transaction_id)), 17) = {_random.Next(17)};
            DELETE FROM transactions WHERE mod(abs(hashtext(transaction_id)), 53) = {_random.Next(53)};
            """);
        await _servers.CutCopyAsync();
    }

    /// <summary>The next of the troubles, so that each comes in its turn.</summary>
    private async Task TroubleAsync()
    {
        // What was deleted while there was no slot is told to a lake by a new snapshot, and to Kafka by nobody.
        string[] all = ["PostgreSQL stopped at once", IsOverKafka ? "broker killed" : "slot dropped", "S3 paused", "Redis flushed", "sender ended"];
        var trouble = all[_trouble++ % all.Length];
        _troubles.Add(trouble);
        switch (trouble)
        {
            case "PostgreSQL stopped at once":
                await RunAsync(Capture(), null, _servers.Postgres.CrashAsync);
                break;
            case "slot dropped":
                _watch.Rest();
                await _servers.SqlAsync("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
                await _servers.SqlAsync($"DELETE FROM transactions WHERE mod(abs(hashtext(transaction_id)), 53) = {_random.Next(53)}");
                Assert.Contains("the slot is gone", await EndAsync(Start(Capture()), Outside), StringComparison.Ordinal);
                await KillAsync([.. Capture(), "--resnapshot"]);
                await OkAsync([.. Capture(), "--resnapshot"]);
                _watch.GoOn();
                break;
            case "broker killed":
                await RunAsync(_random.Next(2) == 0 ? Capture() : Ingest(), null, async () =>
                {
                    _servers.Kafka!.Kill();
                    await WriteAsync();
                    await _servers.Kafka.RestartAsync();
                });
                break;
            case "S3 paused":
                await RunAsync(Capture(), null, async () =>
                {
                    _servers.S3.Pause();
                    await WriteAsync();
                    _servers.S3.GoOn();
                });
                break;
            case "Redis flushed":
                await _servers.Redis.SendAsync("FLUSHALL", CancellationToken.None);
                break;
            default:
                await RunAsync(Capture(), null, () => _servers.SqlAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'walsender'"));
                break;
        }
    }

    private Task KillAsync(string[] job) => RunAsync(job, _random.Next(3) > 0 ? Steps[job[0]][_random.Next(Steps[job[0]].Length)] : "a random moment", null);

    /// <summary>Runs a job, which may be killed at a step or a moment, or have a server's trouble meanwhile.</summary>
    private async Task RunAsync(string[] job, string? killedAt, Func<Task>? meanwhile)
    {
        var isRandom = killedAt == "a random moment";
        var environment = killedAt is null || isRandom ? [] : new Dictionary<string, string>
        {
            ["DOTNET_STARTUP_HOOKS"] = Path.Combine(AppContext.BaseDirectory, "FeatureStore.Tests.Faults.dll"),
            ["FSTORE_FAULT"] = $"FeatureStore-{killedAt}/{_random.Next(2) + 1}",
        };
        using var process = Start(job, environment);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (isRandom || meanwhile is not null)
        {
            using var moment = new CancellationTokenSource(TimeSpan.FromMilliseconds(_random.Next(2_000)));
            await process.WaitForExitAsync(moment.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
            await (meanwhile?.Invoke() ?? Task.CompletedTask);
            if (isRandom)
            {
                process.Kill();
            }
        }

        await process.WaitForExitAsync();
        if (killedAt is not null && process.ExitCode == SigKilled)
        {
            _kills[$"{job[0]} at {killedAt}"] = _kills.GetValueOrDefault($"{job[0]} at {killedAt}") + 1;
            return;
        }

        // A server that was away ends a job; a job that is begun again while the killed one's lease lasts is refused.
        var isRefused = process.ExitCode == Outside && (meanwhile is not null || (await error).Contains("is being materialised by", StringComparison.Ordinal));
        Assert.True(process.ExitCode == 0 || isRefused, $"{string.Join(' ', job)}, {killedAt ?? "undisturbed"}, ended with {process.ExitCode}: {await output}{await error}");
    }

    private Process Start(string[] arguments, IReadOnlyDictionary<string, string>? environment = null) =>
        (arguments[0] == "capture" ? _capturing : _fstore).Start(_servers.Environment.Concat(environment ?? new Dictionary<string, string>()).ToDictionary(), arguments);

    private Task<string> OkAsync(params string[] arguments) => EndAsync(Start(arguments), 0);
}
