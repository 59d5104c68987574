using Microsoft.Data.Sqlite;

namespace FeatureStore.Jobs.Runs;

/// <summary>What became of a run.</summary>
public enum RunState
{
    /// <summary>It runs, or its process died without a word.</summary>
    Running,

    /// <summary>All its rows are in the store and its range is noted.</summary>
    Done,

    /// <summary>It stopped with an error; its range is not noted.</summary>
    Failed,

    /// <summary>A later holder of the lease found it unfinished.</summary>
    Abandoned,

    /// <summary>A run of a flow that waits for its turn.</summary>
    Queued,

    /// <summary>An attempt that ended because the program was told to end; it is tried again.</summary>
    Stopped,
}

/// <summary>One run of a job over one feature view.</summary>
/// <param name="Start">First event time of the range; null for a job without one.</param>
/// <param name="TableVersion">The lake table's version that was read.</param>
/// <param name="Error">Why it failed; without entity values.</param>
public sealed record Run(
    long Id,
    string Kind,
    string Project,
    string View,
    RunState State,
    long Fence,
    DateTimeOffset? Start,
    DateTimeOffset? End,
    DateTimeOffset Started,
    DateTimeOffset? Ended,
    long RowsRead,
    long RowsWritten,
    long RowsSkipped,
    long? TableVersion,
    string? Error);

/// <summary>The history of runs in a <see cref="RunFile"/>.</summary>
public sealed class RunHistory(RunFile file, TimeProvider time)
{
    private const string Columns =
        "id, kind, project, view, state, fence, range_start, range_end, started, ended, rows_read, rows_written, rows_skipped, table_version, error";

    /// <summary>Notes that a run began, and that unfinished ones before it of the same job and view, with a lower fence, are abandoned.</summary>
    public long Begin(string kind, string project, string view, long fence, (DateTimeOffset Start, DateTimeOffset End)? range) => file.InTransaction(() =>
    {
        var now = Instants.Micros(time.GetUtcNow());
        file.Execute(
            "UPDATE runs SET state = $abandoned, ended = $now WHERE kind = $kind AND project = $project AND view = $view AND state = $running AND fence < $fence",
            ("$abandoned", Text(RunState.Abandoned)),
            ("$now", now),
            ("$kind", kind),
            ("$project", project),
            ("$view", view),
            ("$running", Text(RunState.Running)),
            ("$fence", fence));
        return file.Query(
            "INSERT INTO runs (kind, project, view, state, fence, range_start, range_end, started) VALUES ($kind, $project, $view, $state, $fence, $start, $end, $now) RETURNING id",
            r => r.GetInt64(0),
            ("$kind", kind),
            ("$project", project),
            ("$view", view),
            ("$state", Text(RunState.Running)),
            ("$fence", fence),
            ("$start", range is { } s ? Instants.Micros(s.Start) : null),
            ("$end", range is { } e ? Instants.Micros(e.End) : null),
            ("$now", now))[0];
    });

    /// <summary>Notes how far a run came.</summary>
    public void Progress(long id, long rowsRead, long rowsWritten, long rowsSkipped) => file.InTransaction(() => file.Execute(
        "UPDATE runs SET rows_read = $read, rows_written = $written, rows_skipped = $skipped WHERE id = $id",
        ("$read", rowsRead),
        ("$written", rowsWritten),
        ("$skipped", rowsSkipped),
        ("$id", id)));

    /// <summary>Notes how a run ended.</summary>
    public void End(long id, RunState state, long? tableVersion, string? error) => file.InTransaction(() => file.Execute(
        "UPDATE runs SET state = $state, ended = $now, table_version = $version, error = $error WHERE id = $id AND state = $running",
        ("$state", Text(state)),
        ("$now", Instants.Micros(time.GetUtcNow())),
        ("$version", tableVersion),
        ("$error", error),
        ("$id", id),
        ("$running", Text(RunState.Running))));

    /// <summary>The newest runs first, at most <paramref name="max"/>.</summary>
    public IReadOnlyList<Run> List(string? project, string? view, int max) => file.Query(
        $"SELECT {Columns} FROM runs WHERE ($project IS NULL OR project = $project) AND ($view IS NULL OR view = $view) ORDER BY id DESC LIMIT $max",
        Read,
        ("$project", project),
        ("$view", view),
        ("$max", max));

    /// <summary>One run, or null.</summary>
    public Run? Find(long id) => file.Query($"SELECT {Columns} FROM runs WHERE id = $id", Read, ("$id", id)).FirstOrDefault();

    /// <summary>The last run of a view that ended well, or null.</summary>
    public Run? LastDone(string kind, string project, string view) => file.Query(
        $"SELECT {Columns} FROM runs WHERE kind = $kind AND project = $project AND view = $view AND state = $done ORDER BY id DESC LIMIT 1",
        Read,
        ("$kind", kind),
        ("$project", project),
        ("$view", view),
        ("$done", Text(RunState.Done))).FirstOrDefault();

    internal static string Text(RunState state) => state.ToString().ToLowerInvariant();

    internal static RunState State(string text) => Enum.Parse<RunState>(text, ignoreCase: true);

    private static Run Read(SqliteDataReader row) => new(
        row.GetInt64(0),
        row.GetString(1),
        row.GetString(2),
        row.GetString(3),
        State(row.GetString(4)),
        row.GetInt64(5),
        Time(row, 6),
        Time(row, 7),
        Instants.FromMicros(row.GetInt64(8)),
        Time(row, 9),
        row.GetInt64(10),
        row.GetInt64(11),
        row.GetInt64(12),
        row.IsDBNull(13) ? null : row.GetInt64(13),
        row.IsDBNull(14) ? null : row.GetString(14));

    internal static DateTimeOffset? Time(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : Instants.FromMicros(row.GetInt64(column));
}
