using FeatureStore.Jobs.Schedule;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Yaml;

namespace FeatureStore.Cli.Composition;

/// <summary>
/// What <c>feature_store.yaml</c> says of flows under <c>fstore: jobs:</c>: <c>flows</c>, <c>pools</c> and <c>store</c>, the first two also in a file of
/// their own that <c>file</c> names (<c>jobs: schedules.yaml</c> for short). Without flows there are two, daily and weekly.
/// </summary>
internal static class ScheduleSettings
{
    private const string Root = "fstore.jobs";
    private const string Pool = "transaction_data";
    private const int FlowsMax = 100;
    private const int StepsMax = 100;
    private const int SlotsMax = 100;
    private const int RunsMax = 10_000;
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromDays(7);
    private static readonly TimeSpan LongestBackoff = TimeSpan.FromDays(1);

    /// <summary>Everything that runs a repo's flows.</summary>
    public static FlowRoom Room(Repo repo) =>
        new(repo.Config.RunsPath, repo.Config.Project, Schedule(repo.Config), new FlowTasks(repo, TimeProvider.System), TimeProvider.System);

    /// <exception cref="UsageException">A key or value is wrong.</exception>
    public static FlowSchedule Schedule(RepoConfig config)
    {
        var jobs = Jobs(config);
        jobs.Value("store");
        var source = jobs.Text("file") is { } file ? new SettingBlock(file, YamlFile.Read(Path.GetFullPath(file, config.RepoDirectory))) : jobs;
        var pools = Pools(source.Block("pools"));
        var flows = source.Block("flows");
        if (flows.Keys.Count() > FlowsMax)
        {
            throw jobs.Fault("flows", $"has more than {FlowsMax} flows");
        }

        var schedule = new FlowSchedule(flows.Keys.Any() ? [.. flows.Keys.Select(name => Flow(name, flows.Block(name), pools))] : Default(), pools);
        source.RejectUnread();
        jobs.RejectUnread();
        return schedule;
    }

    /// <summary>Where Quartz keeps its triggers: <c>store: {type: sqlite, path: data/quartz.db}</c>, or <c>{type: postgres, connection_string: …, password: …}</c>.</summary>
    public static TriggerStore Store(RepoConfig config)
    {
        var store = Jobs(config).Block("store");
        var (type, path) = (store.Text("type") ?? "sqlite", store.Text("path") ?? "data/quartz.db");
        var (connection, password) = (store.Text("connection_string"), store.Text("password"));
        store.RejectUnread();
        switch (type)
        {
            case "sqlite":
                var full = Path.GetFullPath(path, config.RepoDirectory);
                Directory.CreateDirectory(Path.GetDirectoryName(full)!);
                return TriggerStore.Sqlite(full);
            case "postgres":
                try
                {
                    return TriggerStore.Postgres(connection ?? throw store.Fault("connection_string", "is missing; write it as 'Host=db;Database=bank;Username=fstore'"), password);
                }
                catch (FormatException e)
                {
                    throw store.Fault("connection_string", e.Message);
                }

            default:
                throw store.Fault("type", $"is '{type}'; write sqlite or postgres");
        }
    }

    private static SettingBlock Jobs(RepoConfig config) => config.Fstore.GetValueOrDefault("jobs") is string file
        ? new SettingBlock(Root, new Dictionary<string, object?> { ["file"] = file })
        : new SettingBlock(Root, config.Fstore.GetValueOrDefault("jobs"));

    private static Dictionary<string, int> Pools(SettingBlock block)
    {
        var pools = block.Keys.ToDictionary(k => k, k => block.Number(k, 1, 1, SlotsMax));
        pools.TryAdd(Pool, 1);
        return pools;
    }

    private static Flow Flow(string name, SettingBlock block, Dictionary<string, int> pools)
    {
        var items = block.List("steps");
        if (items is not { Count: > 0 and <= StepsMax })
        {
            throw block.Fault("steps", $"must list 1 to {StepsMax} steps");
        }

        var steps = new List<FlowStep>();
        foreach (var item in items)
        {
            steps.Add(Step(new SettingBlock($"{block.Place}.steps[{steps.Count}]", item is string task ? new Dictionary<string, object?> { ["task"] = task } : item), steps, pools));
        }

        try
        {
            var calendar = FlowCalendar.Parse(block.Text("cron") ?? throw block.Fault("cron", "is missing; write for instance '30 2 * * *'"), block.Text("time_zone") ?? "UTC");
            var flow = new Flow(name, calendar, steps)
            {
                Misfire = block.Text("misfire") switch
                {
                    null or "fire_once" => MisfireRule.FireOnce,
                    "skip" => MisfireRule.Skip,
                    var text => throw block.Fault("misfire", $"is '{text}'; write fire_once or skip"),
                },
                MisfireAfter = block.Duration("misfire_after", TimeSpan.FromMinutes(1), LongestBackoff),
                CatchUp = block.Flag("catch_up", false),
                CatchUpMax = block.Number("catch_up_max", FeatureStore.Jobs.Schedule.Flow.CatchUpMaxDefault, 1, RunsMax),
                MaxActiveRuns = block.Number("max_active_runs", 1, 1, SlotsMax),
                StartDate = block.Text("start_date") is { } start ? Instant.Parse(start) : null,
            };
            block.RejectUnread();
            return flow;
        }
        catch (FormatException e)
        {
            throw new UsageException($"{block.Place}: {e.Message}");
        }
    }

    private static FlowStep Step(SettingBlock block, List<FlowStep> above, Dictionary<string, int> pools)
    {
        var task = block.Text("task") ?? throw block.Fault("task", $"is missing; write one of {string.Join(", ", FlowTasks.Names)}");
        var name = block.Text("name") ?? task;
        if (!FlowTasks.Names.Contains(task))
        {
            throw block.Fault("task", $"is '{task}'; write one of {string.Join(", ", FlowTasks.Names)}");
        }

        if (above.Any(s => s.Name == name))
        {
            throw block.Fault("name", $"is '{name}', as another step's; each needs a name of its own");
        }

        // Without a word a step follows the one above it.
        var after = block.List("after") is { } named ? named.Select(n => n as string ?? string.Empty).ToArray() : above.Count > 0 ? [above[^1].Name] : [];
        if (after.FirstOrDefault(a => above.All(s => s.Name != a)) is { } unknown)
        {
            throw block.Fault("after", $"names '{unknown}', which is no step above this one");
        }

        var pool = block.Text("pool");
        if (pool is not null && !pools.ContainsKey(pool))
        {
            throw block.Fault("pool", $"is '{pool}', and {Root}.pools has no such pool");
        }

        var otherwise = new FlowStep(name, task);
        var step = otherwise with
        {
            After = after,
            Retries = block.Number("retries", otherwise.Retries, 0, 100),
            Backoff = block.Duration("retry_delay", otherwise.Backoff, LongestBackoff),
            BackoffMax = block.Duration("retry_delay_max", otherwise.BackoffMax, LongestBackoff),
            Timeout = block.Duration("timeout", otherwise.Timeout, LongestTimeout),
            Pool = pool,
            With = FlowTasks.Checked(task, block.Block("with")),
        };
        block.RejectUnread();
        return step;
    }

    private static Flow[] Default() =>
    [
        new("daily", FlowCalendar.Parse("30 2 * * *", "UTC"), Chain("generate", "ingest")),
        new("weekly", FlowCalendar.Parse("0 5 * * 1", "UTC"), Chain("compute", "materialize", "verify")),
    ];

    private static FlowStep[] Chain(params string[] tasks) =>
        [.. tasks.Select((task, i) => new FlowStep(task, task) { After = i > 0 ? [tasks[i - 1]] : [], Pool = Pool })];
}
