using System.Diagnostics;
using System.Globalization;
using FeatureStore.Cli.Tests.Verbs;
using FeatureStore.Tests.Servers;
using FeatureStore.Tests.Servers.S3;
using Npgsql;

namespace FeatureStore.Cli.Tests.Kills;

/// <summary>A bank in PostgreSQL, its lake on S3 and its features in Redis; the jobs between are killed, and the servers have troubles.</summary>
internal sealed class KilledRoad : IAsyncDisposable
{
    private const string Bucket = "transaction-data";
    private const string FirstDay = "2026-01-05";
    private const int SigKilled = 137;
    private const int Outside = 3;

    private static readonly Dictionary<string, string[]> Steps = new()
    {
        ["capture"] = ["Lake/FileStaged", "Lake/FileMoved", "Lake/CommitReady", "Lake/CommitDone", "Ingest/BatchLanded", "Ingest/PositionNoted"],
        ["features"] = ["Lake/FileStaged", "Lake/FileMoved", "Lake/CommitReady", "Lake/CommitDone"],
        ["materialize-incremental"] = ["Jobs/LeaseTaken", "Jobs/FenceRaised", "Jobs/BatchWritten", "Jobs/StoreMarked", "Jobs/RangeNoted"],
    };

    private readonly Random _random;
    private readonly PostgresServer _postgres;
    private readonly RedisServer _redis;
    private readonly S3TestServer _s3;
    private readonly SlotWatch _watch;
    private readonly Fstore _fstore = new();
    private readonly Dictionary<string, int> _kills = [];
    private readonly List<string> _troubles = [];
    private int _days = 8;
    private int _trouble;

    private KilledRoad(Random random, PostgresServer postgres, RedisServer redis, S3TestServer s3)
    {
        (_random, _postgres, _redis, _s3, _trouble) = (random, postgres, redis, s3, random.Next(5));
        _watch = new SlotWatch(Connection, s3, Bucket);
        File.WriteAllText(Path.Combine(_fstore.Repo, "feature_store.yaml"), $"""
            project: bank_features
            provider: local
            registry: data/registry.db
            online_store:
              type: redis
              connection_string: {redis.Address}
            offline_store:
              type: file
            entity_key_serialization_version: 3
            fstore:
              lake: s3://{Bucket}
              log: data/log.db
              s3:
                endpoint: {s3.Endpoint}
                access_key: {S3TestServer.AccessKey}
                secret_key: {S3TestServer.SecretKey}
                conditional_put: yes
                cache_folder: data/cache
                timeout_seconds: 10
              postgres:
                connection_string: {Connection}

            """);
    }

    /// <summary>Kills so far, by where.</summary>
    public IReadOnlyDictionary<string, int> Kills => _kills;

    public IReadOnlyList<string> Troubles => _troubles;

    /// <summary>How often the slot's position was held against the lake.</summary>
    public int Samples => _watch.Samples;

    private string Connection => $"Host=127.0.0.1;Port={_postgres.Port};Username={_postgres.User};Database=postgres;Pooling=false";

    private string LastDay => DateTime.Parse(FirstDay, CultureInfo.InvariantCulture).AddDays(_days).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    public static async Task<KilledRoad> StartAsync(Random random)
    {
        PostgresServer.Need();
        RedisServer.Need();
        return new KilledRoad(random, await PostgresServer.StartAsync("wal_level=logical"), await RedisServer.StartAsync(), await S3TestServer.StartAsync(Bucket, "transaction-data-user"));
    }

    public async ValueTask DisposeAsync()
    {
        await _watch.DisposeAsync();
        await _s3.DisposeAsync();
        await _redis.DisposeAsync();
        await _postgres.DisposeAsync();
        _fstore.Dispose();
    }

    public async Task RunAsync(int kills)
    {
        await OkAsync("apply");
        await WriteAsync();
        await OkAsync("capture", "--until-caught-up");
        await OkAsync(Compute());
        await OkAsync("materialize", FirstDay, LastDay);
        _watch.Begin();
        while (_kills.Values.Sum() < kills)
        {
            _days += _random.Next(2) + 1;
            await WriteAsync();
            await TroubleAsync();
            foreach (var job in (string[][])[Capture(), _random.Next(2) == 0 ? ["features", "compute", "--touched"] : Compute(), ["materialize-incremental", LastDay]])
            {
                while (_random.Next(3) > 0)
                {
                    await KillAsync(job);
                }

                await RunAsync(job, null, null);
            }
        }

        await _watch.EndAsync();
        await OkAsync(Capture());
        await OkAsync(Compute());
        await OkAsync("materialize-incremental", LastDay);
        await OkAsync("rebuild");
        await OkAsync("verify", "parity");
        for (var monday = DateTime.Parse("2026-01-12", CultureInfo.InvariantCulture); monday <= DateTime.Parse(LastDay, CultureInfo.InvariantCulture); monday = monday.AddDays(7))
        {
            var day = monday.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            await RoadOracle.CompareAsync(Connection, day, await OkAsync("features", "show", "--as-of", day, "--json"));
        }
    }

    private static string[] Capture() => ["capture", "--until-caught-up"];

    private string[] Compute() => ["features", "compute", "--from", "2026-01-12", "--as-of", LastDay, "--every", "7d"];

    /// <summary>The bank's own days, somebody's corrections, and a COPY that is cut in its middle.</summary>
    private async Task WriteAsync()
    {
        await OkAsync("generate", "--to", "postgres", "--users", "40", "--seed", "5", "--first-day", FirstDay, "--days", _days.ToString(CultureInfo.InvariantCulture));
        await SqlAsync($"""
            UPDATE transactions SET amount = amount + 1 WHERE mod(abs(hashtext(transaction_id)), 17) = {_random.Next(17)};
            DELETE FROM transactions WHERE mod(abs(hashtext(transaction_id)), 53) = {_random.Next(53)};
            """);
        await using var connection = new NpgsqlConnection(Connection);
        await connection.OpenAsync();
        await using var copy = await connection.BeginTextImportAsync("COPY transactions (user_id, transaction_id, amount) FROM STDIN");
        for (var i = 0; i < 500; i++)
        {
            await copy.WriteAsync($"u0000001\tcut{i}\t1000000\n");
        }

        await copy.FlushAsync();
        await SqlAsync($"SELECT pg_terminate_backend({connection.ProcessID})");
        await Assert.ThrowsAnyAsync<Exception>(async () => await copy.DisposeAsync());
    }

    /// <summary>The next of the troubles, so that each comes in its turn.</summary>
    private async Task TroubleAsync()
    {
        string[] all = ["PostgreSQL stopped at once", "slot dropped", "S3 paused", "Redis flushed", "sender ended"];
        var trouble = all[_trouble++ % all.Length];
        _troubles.Add(trouble);
        switch (trouble)
        {
            case "PostgreSQL stopped at once":
                await RunAsync(Capture(), null, _postgres.CrashAsync);
                break;
            case "slot dropped":
                _watch.Rest();
                await SqlAsync("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
                await SqlAsync($"DELETE FROM transactions WHERE mod(abs(hashtext(transaction_id)), 53) = {_random.Next(53)}");
                Assert.Contains("the slot is gone", await EndAsync(_fstore.Start(Capture()), Outside), StringComparison.Ordinal);
                await KillAsync([.. Capture(), "--resnapshot"]);
                await OkAsync([.. Capture(), "--resnapshot"]);
                _watch.GoOn();
                break;
            case "S3 paused":
                await RunAsync(Capture(), null, async () =>
                {
                    _s3.Pause();
                    await WriteAsync();
                    _s3.GoOn();
                });
                break;
            case "Redis flushed":
                await _redis.SendAsync("FLUSHALL", CancellationToken.None);
                break;
            default:
                await RunAsync(Capture(), null, () => SqlAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'walsender'"));
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
        using var process = _fstore.Start(environment, job);
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

    private async Task SqlAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private Task<string> OkAsync(params string[] arguments) => EndAsync(_fstore.Start(arguments), 0);

    private static async Task<string> EndAsync(Process process, int code)
    {
        using (process)
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == code, $"{string.Join(' ', process.StartInfo.ArgumentList.Skip(1))} ended with {process.ExitCode}: {await output}{await error}");
            return code == 0 ? await output : await error;
        }
    }
}
