using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>
/// The windows of an aggregated view at each label's own time: over the rows with t − window ≤ time &lt; t, as they were known at t. The answers
/// are the table <c>window0, window1, …(rid, f0, f1, …)</c>; a label without history has no row there.
/// </summary>
internal sealed class LabelWindows
{
    // An instant before any that a label's window can begin with, so that buckets are counted from 0.
    private const long Zero = 2 * LakeTime.Least;
    private readonly DuckDbConnection _connection;
    private readonly SelectedView _view;
    private readonly AggregatedModel _aggregated;
    private readonly FeatureSqlCompiler _compiler;
    private readonly ChangeScan _scan;
    private readonly LabelTable _labels;
    private readonly JoinPlan _plan;
    private readonly int _index;
    private readonly int _group;
    private readonly string _keys;

    /// <summary>Prepares one view; the connection's tables <c>repeated</c> and <c>versions</c> are of the view that was prepared last.</summary>
    public LabelWindows(DuckDbConnection connection, PinnedTable table, SelectedView view, LabelTable labels, JoinPlan plan, int index, int group, CancellationToken cancellationToken)
    {
        (_connection, _view, _labels, _plan, _index, _group) = (connection, view, labels, plan, index, group);
        _aggregated = view.View.Aggregated!;
        _compiler = new FeatureSqlCompiler(view.View, _aggregated, table.Columns);
        var columns = (IReadOnlyList<LakeColumn>)[.. ChangeColumns.Leading, .. _compiler.RowColumns];
        _scan = ComputeRun.Prepare(connection, _compiler, new ChangeScan(table.Root, table.Snapshot!, columns, _aggregated.EventTimeColumn), cancellationToken).Scan;
        _keys = view.Keys.Count == 0 ? "true" : string.Join(" AND ", view.Keys.Select((k, i) => $"e.k{i} = {Key(k)}"));
        MakeAnswers(cancellationToken);
    }

    /// <summary>Labels of a part that the other known time would change, as the table <c>differing(rid)</c>, is made by <see cref="Differ"/>.</summary>
    public const string Differing = "differing";

    private long Window => _aggregated.Window.Ticks / TimeSpan.TicksPerMicrosecond;

    private string After => LakeSql.Number(_plan.AvailableAfterMicros);

    private KnownTime Other => _plan.KnownTime == KnownTime.Commit ? KnownTime.Event : KnownTime.Commit;

    private IReadOnlyList<AggregationModel> Aggregations =>
        [.. _view.Features.Select(f => _aggregated.Aggregations.First(a => a.Name == f.Name))];

    private string Living => $"(SELECT e.code AS __code, m.* FROM ({_compiler.Living(_scan.InsertsBetween(_labels.LeastMicros - Window, _labels.GreatestMicros), _labels.LeastMicros - Window, _labels.GreatestMicros)}) m JOIN entity{_group} e ON {_keys})";

    /// <summary>Adds the answers for labels numbered from one to before another.</summary>
    public void Answer(long fromRid, long toRid, CancellationToken cancellationToken) =>
        _connection.Execute(
            $"""
            CREATE OR REPLACE TEMP TABLE asked AS SELECT rid, code{_group} AS code, t FROM point
                WHERE rid >= {LakeSql.Number(fromRid)} AND rid < {LakeSql.Number(toRid)} AND code{_group} IS NOT NULL;
            INSERT INTO window{_index} {Answers(_plan.KnownTime)}
            """,
            cancellationToken);

    /// <summary>Makes the tables <c>differing(rid)</c> and <c>otherwise(rid, f0, f1, …)</c>: labels asked last that the other known time may change, and its answers.</summary>
    public void Differ(CancellationToken cancellationToken)
    {
        var history = _aggregated.EmptyWindowZero
            ? $"UNION SELECT rid FROM ({Historic(_plan.KnownTime)}) ANTI JOIN ({Historic(Other)}) USING (rid) UNION SELECT rid FROM ({Historic(Other)}) ANTI JOIN ({Historic(_plan.KnownTime)}) USING (rid)"
            : string.Empty;
        _connection.Execute(
            $"""
            CREATE OR REPLACE TEMP TABLE {Differing} AS
            SELECT DISTINCT a.rid FROM ({Buckets}) a JOIN odd{_index} m ON {InWindow} WHERE ({Counts(KnownTime.Commit)}) <> ({Counts(KnownTime.Event)})
            {history};
            CREATE OR REPLACE TEMP TABLE asked AS FROM asked SEMI JOIN {Differing} USING (rid);
            CREATE OR REPLACE TEMP TABLE otherwise AS {Answers(Other)}
            """,
            cancellationToken);
    }

    private void MakeAnswers(CancellationToken cancellationToken)
    {
        var types = Aggregations.Select((a, i) => $"f{i} {LakeSql.Type(TypeOf(a))}");
        _connection.Execute($"CREATE OR REPLACE TEMP TABLE window{_index} ({string.Join(", ", types.Prepend("rid BIGINT"))})", cancellationToken);
        _connection.Execute(
            $"CREATE OR REPLACE TEMP TABLE odd{_index} AS SELECT __code, row_time, k, k_next FROM {Living} WHERE k + {After} > row_time OR k_next < {LakeSql.Number(JoinPlan.Never)}",
            cancellationToken);
        if (!_aggregated.EmptyWindowZero)
        {
            return;
        }

        foreach (var known in new[] { KnownTime.Commit, KnownTime.Event })
        {
            _connection.Execute(Islands(known), cancellationToken);
        }
    }

    /// <summary>
    /// Makes a table of when an entity has history: from a moment after the time of a row that is known, until that row ends. Intervals that meet are one.
    /// </summary>
    private string Islands(KnownTime known)
    {
        var every = _compiler.Living(_scan.Inserts, LakeTime.Least, _labels.GreatestMicros);
        var (since, until, where) = known == KnownTime.Commit
            ? ($"greatest(row_time + 1, k + {After})", $"CASE WHEN k_next = {LakeSql.Number(JoinPlan.Never)} THEN k_next ELSE k_next + {After} END", "true")
            : ("row_time + 1", "k_next", $"k_next = {LakeSql.Number(JoinPlan.Never)}");
        return $"""
            CREATE OR REPLACE TEMP TABLE {History(known)} AS
            WITH life AS (
                SELECT e.code, min({since}) AS since, {until} AS until FROM ({every}) m JOIN entity{_group} e ON {_keys}
                WHERE {where} GROUP BY e.code, {until}, CASE WHEN k_next < {LakeSql.Number(JoinPlan.Never)} THEN {since} END),
            marked AS (
                SELECT *, max(until) OVER (PARTITION BY code ORDER BY since, until ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                FROM life WHERE since < until),
            grouped AS (
                SELECT *, count(*) FILTER (before IS NULL OR since > before) OVER (PARTITION BY code ORDER BY since, until ROWS UNBOUNDED PRECEDING) AS island
                FROM marked)
            SELECT code, min(since) AS since, max(until) AS until FROM grouped GROUP BY code, island
            """;
    }

    private string History(KnownTime known) => $"life{_index}_{(known == KnownTime.Commit ? "commit" : "event")}";

    /// <summary>Labels asked for that have history.</summary>
    private string Historic(KnownTime known) =>
        $"SELECT a.rid FROM asked a ASOF JOIN {History(known)} h ON a.code = h.code AND a.t >= h.since WHERE a.t < h.until";

    private string Answers(KnownTime known)
    {
        var terms = Aggregations.Select((a, i) => $"{new AggregateSql(_view.View, a, ColumnOf(a), TypeOf(a)).Term} AS f{i}").ToList();
        var columns = string.Join(", ", _compiler.RowColumns.Select(c => "m." + LakeSql.Name(c.Name)));
        var members = $"""
            SELECT __rid AS rid, {string.Join(", ", terms)}
            FROM (SELECT a.rid AS __rid, m.k, {columns} FROM {Living} m JOIN ({Buckets}) a ON {InWindow} WHERE {Counts(known)})
            GROUP BY __rid
            """;
        var values = Aggregations.Select((a, i) => a.Function is "count" or "count_distinct" or "sum" ? $"coalesce(f{i}, 0) AS f{i}" : $"f{i}");
        return _aggregated.EmptyWindowZero
            ? $"SELECT rid, {string.Join(", ", values)} FROM ({Historic(known)}) LEFT JOIN ({members}) USING (rid)"
            : members;
    }

    // A window covers at most two buckets of its own length, so a label meets only rows that lie near.
    private string Buckets => $"""
        SELECT rid, code, t, {Bucket($"t - {LakeSql.Number(Window)}")} AS bucket FROM asked
        UNION ALL
        SELECT rid, code, t, {Bucket("t - 1")} FROM asked WHERE {Bucket("t - 1")} <> {Bucket($"t - {LakeSql.Number(Window)}")}
        """;

    private string InWindow =>
        $"a.code = m.__code AND a.bucket = {Bucket("m.row_time")} AND m.row_time >= a.t - {LakeSql.Number(Window)} AND m.row_time < a.t";

    private string Bucket(string micros) => $"(({micros} - {LakeSql.Number(Zero)}) // {LakeSql.Number(Window)})";

    private string Counts(KnownTime known) => known == KnownTime.Event
        ? $"m.k_next = {LakeSql.Number(JoinPlan.Never)}"
        : $"m.k <= a.t - {After} AND m.k_next > a.t - {After}";

    private LakeColumn? ColumnOf(AggregationModel aggregation) => _compiler.RowColumns.FirstOrDefault(c => c.Name == aggregation.Column);

    private LakeType TypeOf(AggregationModel aggregation) => ViewColumns.Type(_view.View.Features.First(f => f.Name == aggregation.Name));

    private string Key(FieldModel key)
    {
        var column = _compiler.RowColumns.First(c => c.Name == key.Name);
        return "m." + LakeSql.Name(column.Name) is var name && column.Type == ViewColumns.Type(key) ? name : $"CAST({name} AS {LakeSql.Type(ViewColumns.Type(key))})";
    }
}
