using FeatureStore.Jobs.Runs;
using Microsoft.Data.Sqlite;

namespace FeatureStore.Jobs.Schedule;

/// <summary>
/// Runs of flows and the attempts of their steps in a <see cref="RunFile"/>. A run exists once for a flow and logical date; what is written of it carries the
/// fence of the lease that it is done under, so that a holder that was stopped past its lease writes nothing.
/// </summary>
public sealed class FlowHistory(RunFile file, string project, TimeProvider time)
{
    /// <summary>The kind of a flow's runs in the history.</summary>
    public const string Kind = "flow";

    private const int EstimateRuns = 20;

    private const string RunSql =
        """
        SELECT r.id, f.flow, f.logical, r.range_start, r.range_end, r.state, r.fence, f.cause, f.backfill, r.started, r.ended
        FROM runs AS r JOIN flow_runs AS f ON f.run = r.id WHERE f.project = $project
        """;

    private const string Held = "EXISTS (SELECT 1 FROM runs WHERE id = $run AND fence = $fence)";

    private long Now => Instants.Micros(time.GetUtcNow());

    /// <summary>Queues what is due of a flow, and notes in the same transaction up to when it was looked at; so two that plan queue nothing twice.</summary>
    public int Plan(Flow flow)
    {
        ArgumentNullException.ThrowIfNull(flow);
        var queued = file.InTransaction(() =>
        {
            var now = time.GetUtcNow();
            var known = file.Query(
                "SELECT planned_to FROM flow_plans WHERE project = $project AND flow = $flow", r => Instants.FromMicros(r.GetInt64(0)), ("$project", project), ("$flow", flow.Name));
            var plannedTo = known.Count > 0 ? known[0] : flow.StartDate ?? now;
            var count = FlowPlan.Due(flow, plannedTo, now).Count(i => Insert(flow.Name, i.Start, i, "schedule") is not null);
            file.Execute(
                "INSERT OR REPLACE INTO flow_plans VALUES ($project, $flow, $to)",
                ("$project", project),
                ("$flow", flow.Name),
                ("$to", Math.Max(Instants.Micros(plannedTo), Instants.Micros(now))));
            return count;
        });
        JobSteps.Log.FlowPlanned();
        return queued;
    }

    /// <summary>Queues a run unless the flow has one of that logical date; its number in either case.</summary>
    public long Queue(string flow, DateTimeOffset logical, DataInterval interval, string cause) => file.InTransaction(() =>
        Insert(flow, logical, interval, cause) ?? Find(flow, logical)!.Id);

    /// <summary>Runs that are not over, oldest logical date first.</summary>
    public IReadOnlyList<FlowRun> Open() => Runs($"{RunSql} AND r.state IN ('queued', 'running') ORDER BY f.logical, r.id");

    public FlowRun? Find(long id) => Runs($"{RunSql} AND r.id = $id", ("$id", id)).FirstOrDefault();

    public FlowRun? Find(string flow, DateTimeOffset logical) =>
        Runs($"{RunSql} AND f.flow = $flow AND f.logical = $logical", ("$flow", flow), ("$logical", Instants.Micros(logical))).FirstOrDefault();

    /// <summary>The run of the newest logical date that began.</summary>
    public FlowRun? Last(string flow) => Runs($"{RunSql} AND f.flow = $flow AND r.state <> 'queued' ORDER BY f.logical DESC LIMIT 1", ("$flow", flow)).FirstOrDefault();

    /// <summary>Takes a run that is not over under a lease; null if it is over by now. An attempt that was under way when its process died is abandoned.</summary>
    public FlowRun? Claim(long id, long fence) => file.InTransaction(() =>
    {
        var taken = file.Execute(
            "UPDATE runs SET started = CASE state WHEN 'queued' THEN $now ELSE started END, state = 'running', fence = $fence WHERE id = $run AND state IN ('queued', 'running')",
            ("$now", Now),
            ("$fence", fence),
            ("$run", id)) == 1;
        file.Execute(
            "UPDATE flow_attempts SET state = 'abandoned', ended = $now WHERE run = $run AND state = 'running' AND $taken",
            ("$now", Now),
            ("$run", id),
            ("$taken", taken));
        return taken ? Find(id) : null;
    });

    /// <summary>The attempts of a run, in the order in which they began.</summary>
    public IReadOnlyList<StepAttempt> Attempts(long run) => file.Query(
        "SELECT step, attempt, state, started, ended, retry_at, note FROM flow_attempts WHERE run = $run ORDER BY started, attempt",
        r => new StepAttempt(
            r.GetString(0), r.GetInt32(1), RunHistory.State(r.GetString(2)), Instants.FromMicros(r.GetInt64(3)), RunHistory.Time(r, 4), RunHistory.Time(r, 5), r.IsDBNull(6) ? null : r.GetString(6)),
        ("$run", run));

    /// <summary>Notes that a step begins; null if the run is somebody else's by now.</summary>
    public int? BeginAttempt(FlowRun run, string step) => file.InTransaction<int?>(() => file.Query(
        $"""
        INSERT INTO flow_attempts (run, step, attempt, state, started)
        SELECT $run, $step, 1 + (SELECT count(*) FROM flow_attempts WHERE run = $run AND step = $step), 'running', $now WHERE {Held} RETURNING attempt
        """,
        r => (int?)r.GetInt32(0),
        ("$run", run.Id),
        ("$step", step),
        ("$now", Now),
        ("$fence", run.Fence)).FirstOrDefault());

    /// <summary>Notes how an attempt ended.</summary>
    public void EndAttempt(FlowRun run, StepAttempt ended) => file.InTransaction(() => file.Execute(
        $"UPDATE flow_attempts SET state = $state, ended = $now, retry_at = $retry, note = $note WHERE run = $run AND step = $step AND attempt = $attempt AND state = 'running' AND {Held}",
        ("$state", RunHistory.Text(ended.State)),
        ("$now", Now),
        ("$retry", ended.RetryAt is { } at ? Instants.Micros(at) : null),
        ("$note", ended.Note),
        ("$run", run.Id),
        ("$step", ended.Step),
        ("$attempt", ended.Attempt),
        ("$fence", run.Fence)));

    /// <summary>Notes how a run ended; <see cref="RunState.Queued"/> lets it go on later, where it stopped.</summary>
    public void End(FlowRun run, RunState state, string? error) => file.InTransaction(() => file.Execute(
        "UPDATE runs SET state = $state, ended = CASE $state WHEN 'queued' THEN NULL ELSE $now END, error = $error WHERE id = $run AND state = 'running' AND fence = $fence",
        ("$state", RunHistory.Text(state)),
        ("$now", Now),
        ("$error", error),
        ("$run", run.Id),
        ("$fence", run.Fence)));

    /// <summary>Forgets what the steps of a run did, so that all of them run again; false while it runs. Airflow says clear.</summary>
    /// <param name="failedOnly">Keeps the steps that are done.</param>
    public bool Clear(long id, bool failedOnly, long? backfill) => file.InTransaction(() =>
    {
        if (file.Execute("UPDATE runs SET state = 'queued', ended = NULL, error = NULL WHERE id = $run AND state <> 'running'", ("$run", id)) == 0)
        {
            return false;
        }

        file.Execute("DELETE FROM flow_attempts WHERE run = $run AND NOT ($failed AND state = 'done')", ("$run", id), ("$failed", failedOnly));
        file.Execute("UPDATE flow_runs SET backfill = coalesce($backfill, backfill) WHERE run = $run", ("$backfill", backfill), ("$run", id));
        return true;
    });

    /// <summary>How long the work of a run took in the mean of the last ones, without waits; null if none ended well.</summary>
    public TimeSpan? MeanWork(string flow) => file.Query(
        $"""
        SELECT avg(worked) FROM (SELECT sum(a.ended - a.started) AS worked FROM flow_attempts AS a JOIN runs AS r ON r.id = a.run JOIN flow_runs AS f ON f.run = r.id
        WHERE f.project = $project AND f.flow = $flow AND r.state = 'done' AND a.state = 'done' GROUP BY r.id ORDER BY r.ended DESC LIMIT {EstimateRuns})
        """,
        r => r.IsDBNull(0) ? (TimeSpan?)null : TimeSpan.FromMicroseconds(r.GetDouble(0)),
        ("$project", project),
        ("$flow", flow))[0];

    private long? Insert(string flow, DateTimeOffset logical, DataInterval interval, string cause)
    {
        if (Find(flow, logical) is not null)
        {
            return null;
        }

        var id = file.Query(
            "INSERT INTO runs (kind, project, view, state, fence, range_start, range_end, started) VALUES ($kind, $project, $flow, 'queued', 0, $start, $end, $now) RETURNING id",
            r => r.GetInt64(0),
            ("$kind", Kind),
            ("$project", project),
            ("$flow", flow),
            ("$start", Instants.Micros(interval.Start)),
            ("$end", Instants.Micros(interval.End)),
            ("$now", Now))[0];
        file.Execute(
            "INSERT INTO flow_runs (run, project, flow, logical, cause) VALUES ($run, $project, $flow, $logical, $cause)",
            ("$run", id),
            ("$project", project),
            ("$flow", flow),
            ("$logical", Instants.Micros(logical)),
            ("$cause", cause));
        return id;
    }

    private IReadOnlyList<FlowRun> Runs(string sql, params ReadOnlySpan<(string Name, object? Value)> more) => file.Query(sql, Read, [("$project", project), .. more]);

    private static FlowRun Read(SqliteDataReader r) => new(
        r.GetInt64(0),
        r.GetString(1),
        Instants.FromMicros(r.GetInt64(2)),
        new DataInterval(Instants.FromMicros(r.GetInt64(3)), Instants.FromMicros(r.GetInt64(4))),
        RunHistory.State(r.GetString(5)),
        r.GetInt64(6),
        r.GetString(7),
        r.IsDBNull(8) ? null : r.GetInt64(8),
        Instants.FromMicros(r.GetInt64(9)),
        RunHistory.Time(r, 10));
}
