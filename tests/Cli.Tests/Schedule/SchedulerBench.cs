using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using FeatureStore.Cli.Tests.Verbs;
using Microsoft.Data.Sqlite;

namespace FeatureStore.Cli.Tests.Schedule;

/// <summary>A repo with a flow, and real <c>fstore scheduler</c> processes over it, followed by what they print.</summary>
internal sealed class SchedulerBench : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly Fstore _fstore = new();
    private readonly List<Process> _processes = [];

    /// <param name="flow">The keys of the one flow, <c>f</c>, beside its steps.</param>
    public SchedulerBench(string flow)
    {
        File.AppendAllText(Path.Combine(_fstore.Repo, "feature_store.yaml"), "  jobs: {file: schedules.yaml}\n");
        File.WriteAllText(Path.Combine(_fstore.Repo, "schedules.yaml"), $$$"""
            flows:
              f:
                {{{flow}}}
                steps:
                  - {task: generate, retries: 0, with: {users: 12, seed: 3, first_day: 2026-01-05}}
                  - {task: ingest, retries: 0, pool: transaction_data}
            """);
    }

    public Fstore Fstore => _fstore;

    public Scheduler Start(IReadOnlyDictionary<string, string>? environment = null)
    {
        var process = _fstore.Start(environment ?? new Dictionary<string, string>(), "scheduler");
        _processes.Add(process);
        return new Scheduler(process);
    }

    /// <summary>The environment that ends a process at the given step of a job.</summary>
    public static Dictionary<string, string> Fault(string step, int times) => new()
    {
        ["DOTNET_STARTUP_HOOKS"] = Path.Combine(AppContext.BaseDirectory, "FeatureStore.Tests.Faults.dll"),
        ["FSTORE_FAULT"] = string.Create(CultureInfo.InvariantCulture, $"FeatureStore-Jobs/{step}/{times}"),
    };

    public async Task<List<string>> QueryAsync(string sql)
    {
        await using var runs = new SqliteConnection($"Data Source={Path.Combine(_fstore.Repo, "data", "runs.db")};Pooling=False");
        await runs.OpenAsync();
        await using var command = runs.CreateCommand();
        command.CommandText = sql;
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(Convert.ToString(reader.GetValue(0), CultureInfo.InvariantCulture)!);
        }

        return rows;
    }

    /// <summary>Sees by the history and by the logs that every step of every run that is over was done once, and that no attempt began twice.</summary>
    public async Task AssertOnceAsync()
    {
        Assert.Empty(await QueryAsync("SELECT r.id FROM runs AS r JOIN flow_runs AS f ON f.run = r.id WHERE r.state = 'failed'"));
        Assert.Empty(await QueryAsync(
            "SELECT r.id FROM runs AS r JOIN flow_runs AS f ON f.run = r.id WHERE r.state = 'done' AND 2 <> (SELECT count(*) FROM flow_attempts AS a WHERE a.run = r.id AND a.state = 'done')"));
        Assert.Empty(await QueryAsync(
            "SELECT a.run FROM flow_attempts AS a JOIN flow_attempts AS b ON a.run = b.run AND a.step = b.step AND b.attempt > a.attempt WHERE a.state = 'done'"));
        foreach (var log in Directory.EnumerateFiles(Path.Combine(_fstore.Repo, "data", "run-logs")))
        {
            var begun = File.ReadLines(log).Where(l => l.EndsWith(": begins", StringComparison.Ordinal)).Select(l => l.Split(' ', 2)[1]).ToArray();
            Assert.Equal(begun.Distinct(), begun);
        }
    }

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            if (!process.HasExited)
            {
                process.Kill();
                process.WaitForExit();
            }

            process.Dispose();
        }

        _fstore.Dispose();
    }

    /// <summary>One process.</summary>
    internal sealed class Scheduler
    {
        private readonly Process _process;
        private readonly ConcurrentQueue<string> _lines = [];
        private readonly SemaphoreSlim _news = new(0);

        public Scheduler(Process process)
        {
            _process = process;
            process.OutputDataReceived += static (_, _) => { };
            process.ErrorDataReceived += (_, e) =>
            {
                _lines.Enqueue(e.Data ?? "ended");
                _news.Release();
            };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        public string Text => string.Join('\n', _lines);

        /// <summary>Waits until so many of its lines hold a text.</summary>
        public async Task SawAsync(string text, int times = 1)
        {
            while (_lines.Count(l => l.Contains(text, StringComparison.Ordinal)) < times)
            {
                Assert.True(await _news.WaitAsync(Patience) && !_lines.Contains("ended"), $"'{text}' did not come {times} times:\n{Text}");
            }
        }

        public async Task<int> EndedAsync()
        {
            using var patience = new CancellationTokenSource(Patience);
            await _process.WaitForExitAsync(patience.Token);
            return _process.ExitCode;
        }

        public async Task KillAsync()
        {
            _process.Kill();
            await EndedAsync();
        }

        /// <summary>SIGTERM, and the exit code.</summary>
        public async Task<int> StopAsync()
        {
            using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
            return await EndedAsync();
        }
    }
}
