using FeatureStore.Jobs.Runs;

namespace FeatureStore.Jobs.Schedule;

/// <summary>What became of a backfill.</summary>
public enum BackfillState
{
    /// <summary>It runs, or its process died; the same command goes on with it.</summary>
    Running,

    /// <summary>It ends after the date that is under way, and goes on when it is resumed.</summary>
    Paused,

    /// <summary>It ends after the date that is under way, for good.</summary>
    Cancelled,

    /// <summary>Every date is done.</summary>
    Done,

    /// <summary>Every date was tried, and some failed.</summary>
    Failed,
}

/// <summary>A flow's runs for the logical dates of a range, both ends inclusive.</summary>
/// <param name="Again">Runs dates that are done once more.</param>
public sealed record Backfill(long Id, string Flow, DateTimeOffset First, DateTimeOffset Last, bool Again, BackfillState State);

/// <summary>The backfills of a project in a <see cref="RunFile"/>.</summary>
public sealed class Backfills(RunFile file, string project, TimeProvider time)
{
    private const string Columns = "id, flow, first, last, again, state";

    /// <summary>The unfinished backfill of the same flow, range and kind, or a new one.</summary>
    public Backfill Begin(string flow, DateTimeOffset first, DateTimeOffset last, bool again) => file.InTransaction(() =>
    {
        (string, object?)[] same = [("$project", project), ("$flow", flow), ("$first", Instants.Micros(first)), ("$last", Instants.Micros(last)), ("$again", again ? 1L : 0L)];
        var open = Query($"SELECT {Columns} FROM backfills WHERE project = $project AND flow = $flow AND first = $first AND last = $last AND again = $again AND state IN ('running', 'paused', 'failed') ORDER BY id DESC LIMIT 1", same);
        return open.Count > 0
            ? Change(open[0].Id, BackfillState.Running)!
            : Query(
                $"INSERT INTO backfills (project, flow, first, last, again, state, created) VALUES ($project, $flow, $first, $last, $again, 'running', $now) RETURNING {Columns}",
                [.. same, ("$now", Instants.Micros(time.GetUtcNow()))])[0];
    });

    public Backfill? Find(long id) => Query($"SELECT {Columns} FROM backfills WHERE project = $project AND id = $id", ("$project", project), ("$id", id)).FirstOrDefault();

    /// <summary>The newest first.</summary>
    public IReadOnlyList<Backfill> List(int max) => Query($"SELECT {Columns} FROM backfills WHERE project = $project ORDER BY id DESC LIMIT $max", ("$project", project), ("$max", max));

    /// <summary>Changes the state; null if there is no such backfill, or it is over and cannot be in that state.</summary>
    public Backfill? Change(long id, BackfillState state) => Query(
        $"UPDATE backfills SET state = $state WHERE project = $project AND id = $id AND (state IN ('running', 'paused') OR state = 'failed' AND $state = 'running') RETURNING {Columns}",
        ("$state", Text(state)),
        ("$project", project),
        ("$id", id)).FirstOrDefault();

    /// <summary>Notes how a backfill that still runs ended; one that was paused or cancelled meanwhile stays so.</summary>
    internal void End(long id, BackfillState state) =>
        file.Execute("UPDATE backfills SET state = $state WHERE project = $project AND id = $id AND state = 'running'", ("$state", Text(state)), ("$project", project), ("$id", id));

    private static string Text(BackfillState state) => state.ToString().ToLowerInvariant();

    private IReadOnlyList<Backfill> Query(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters) => file.Query(
        sql,
        r => new Backfill(
            r.GetInt64(0), r.GetString(1), Instants.FromMicros(r.GetInt64(2)), Instants.FromMicros(r.GetInt64(3)), r.GetInt64(4) != 0, Enum.Parse<BackfillState>(r.GetString(5), ignoreCase: true)),
        parameters);
}
