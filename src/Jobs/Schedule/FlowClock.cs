using FeatureStore.Jobs.Runs;
using Microsoft.Data.Sqlite;
using Npgsql;
using Quartz;

namespace FeatureStore.Jobs.Schedule;

/// <summary>Where Quartz keeps its triggers.</summary>
/// <param name="ConnectionString">Of SQLite or PostgreSQL.</param>
/// <param name="IsPostgres">True for PostgreSQL, where several schedulers work as a cluster; on SQLite one works at a time.</param>
public sealed record TriggerStore(string ConnectionString, bool IsPostgres)
{
    /// <exception cref="FormatException">The text cannot be read; it is not repeated, since it may hold a password.</exception>
    public static TriggerStore Postgres(string connectionString, string? password)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(connectionString) { ApplicationName = "fstore scheduler" };
            settings.Password = password ?? settings.Password;
            return new TriggerStore(settings.ToString(), IsPostgres: true);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            throw new FormatException("cannot be read; write it as 'Host=db;Database=bank;Username=fstore'");
        }
    }

    public static TriggerStore Sqlite(string path) => new(new SqliteConnectionStringBuilder { DataSource = path, DefaultTimeout = 30 }.ToString(), IsPostgres: false);
}

/// <summary>
/// Quartz with its own persistent store: it wakes at a flow's times, and queues what is due then. What is due is for <see cref="FlowHistory.Plan"/> to
/// say, so a trigger that fires late, twice, or in two processes queues nothing twice.
/// </summary>
internal sealed class FlowClock : IAsyncDisposable
{
    private static readonly TimeSpan CheckIn = TimeSpan.FromSeconds(5);
    private readonly IScheduler _scheduler;

    private FlowClock(IScheduler scheduler) => _scheduler = scheduler;

    /// <exception cref="SchedulerException">The store cannot be used.</exception>
    public static async Task<FlowClock> StartAsync(FlowRoom room, TriggerStore store, CancellationToken cancellationToken)
    {
        var scheduler = await QuartzSchedulerBuilder.Create(quartz => Configure(quartz, room, store)).BuildScheduler(cancellationToken);
        try
        {
            await DeclareAsync(scheduler, room, cancellationToken);
            await scheduler.Start(cancellationToken);
            return new FlowClock(scheduler);
        }
        catch
        {
            await scheduler.Shutdown(false, CancellationToken.None);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _scheduler.Shutdown(true, CancellationToken.None);

    private static void Configure(IQuartzBuilder quartz, FlowRoom room, TriggerStore store)
    {
        // The name is part of every key in the store, so projects can share one.
        quartz.ConfigureScheduler(o =>
        {
            o.InstanceName = $"fstore {room.Project}";
            o.InstanceId = JobOwner.New();
        });
        quartz.UseDefaultThreadPool(1);
        quartz.UseTimeProvider(room.Time);
        quartz.AddJobType(_ => new Firing(room));
        quartz.UsePersistentStore(s =>
        {
            s.ProvisionSchema();
            if (store.IsPostgres)
            {
                s.UsePostgres(NpgsqlFactory.Instance, store.ConnectionString);
                s.UseClustering(c => c.CheckinInterval = CheckIn);
            }
            else
            {
                s.UseSqlite(SqliteFactory.Instance, store.ConnectionString);
            }
        });
    }

    // A trigger that is as declared stays as it is, with the time that it fires next.
    private static async Task DeclareAsync(IScheduler scheduler, FlowRoom room, CancellationToken cancellationToken)
    {
        foreach (var flow in room.Schedule.Flows)
        {
            var trigger = TriggerBuilder.Create(room.Time).WithIdentity(flow.Name, room.Project).ForJob(flow.Name, room.Project)
                .WithCronSchedule(flow.Calendar.Cron, b => b.InTimeZone(flow.Calendar.Zone).WithMisfireInstruction(CronTriggerMisfireInstruction.FireAndProceed)).Build();
            var isThere = await scheduler.GetTrigger(trigger.Key, cancellationToken) is ICronTrigger known
                && known.CronExpressionString == flow.Calendar.Cron.CronExpressionString && known.TimeZone.Id == flow.Calendar.Zone.Id;
            if (!isThere)
            {
                var job = JobBuilder.Create<Firing>().WithIdentity(flow.Name, room.Project).Build();
                await scheduler.ScheduleJob(job, trigger, new ScheduleJobOptions { Replace = true }, cancellationToken);
            }
        }

        foreach (var key in await scheduler.GetJobKeys(GroupMatcher<JobKey>.GroupEquals(room.Project), cancellationToken))
        {
            if (room.Schedule.Find(key.Name) is null)
            {
                await scheduler.DeleteJob(key, cancellationToken);
            }
        }
    }

    /// <summary>What Quartz runs at a flow's time.</summary>
    [DisallowConcurrentExecution]
    internal sealed class Firing(FlowRoom room) : IJob
    {
        public ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
        {
            if (room.Schedule.Find(context.JobDetail.Key.Name) is { } flow)
            {
                using var file = RunFile.Open(room.RunsPath);
                new FlowHistory(file, room.Project, room.Time).Plan(flow);
            }

            return ValueTask.CompletedTask;
        }
    }
}
