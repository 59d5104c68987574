using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.PointInTime;

namespace FeatureStore.OfflineStore.DataSets;

/// <summary>Joins the labels with their views, part after part, so that memory does not grow with the labels.</summary>
internal sealed class TrainingJoin
{
    private readonly DuckDbConnection _connection;
    private readonly LabelTable _labels;
    private readonly IReadOnlyList<SelectedView> _views;
    private readonly TrainingRequest _request;
    private readonly LakePins _pins;
    private readonly JoinPlan _plan;
    private readonly Leakage _leakage;
    private readonly OnDemandColumns _onDemand;
    private readonly HeldViews _held;
    private readonly MatchedLabels _matched;
    private readonly List<int> _groups = [];
    private readonly ViewWorkers _workers;
    private readonly Lock _large = new();

    /// <param name="workers">Connections to the same database.</param>
    /// <param name="held">Holds views that are small.</param>
    /// <exception cref="LabelException">A column of the labels and a feature would have one name.</exception>
    public TrainingJoin(
        DuckDbConnection connection,
        ViewWorkers workers,
        LakePins pins,
        LabelTable labels,
        SelectedFeatures selected,
        TrainingRequest request,
        HeldViews held)
    {
        var views = selected.Views;
        (_connection, _pins, _labels, _views, _request, _held, _matched) = (connection, pins, labels, views, request, held, new MatchedLabels(connection));
        _workers = workers;
        _onDemand = new OnDemandColumns(labels, selected.OnDemand);
        Columns = [.. labels.Columns.Select(c => c.Name), .. selected.Columns(request.FullNames)];
        Origins = [.. labels.Columns.Select(_ => "label"), .. selected.References()];
        if (Columns.GroupBy(c => c, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new LabelException($"The labels have a column {twice.First()}, and a feature would be called {twice.Last()}; add --full-feature-names, or rename the column.");
        }

        _plan = new JoinPlan(
            [.. views.Index().Where(v => !IsWindow(v.Item)).Select(v => new ViewJoin(v.Index, 0, ViewRows.TtlMicros(v.Item.View), false))],
            request.Rules.KnownTime,
            request.Rules.AvailableAfter.Ticks / TimeSpan.TicksPerMicrosecond,
            request.Rules.AsFeast);
        _leakage = new Leakage(_plan, views);
    }

    /// <summary>Names of the data set's columns.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>What each column was made from.</summary>
    public IReadOnlyList<string> Origins { get; }

    /// <summary>As <see cref="TrainingExport.PartRows"/>.</summary>
    public required int PartRows { get; init; }

    /// <summary>As <see cref="TrainingExport.PartBytes"/>.</summary>
    public required long PartBytes { get; init; }

    public IProgress<(long Done, long Total)>? Progress { get; init; }

    /// <summary>Writes every label's row, in order, and tells what event times alone would change.</summary>
    public LeakageReport Write(DataSetWriter writer, CancellationToken cancellationToken)
    {
        var keys = new LabelKeys(_connection, _labels);
        foreach (var view in _views)
        {
            _groups.Add(keys.Group(view, cancellationToken));
        }

        keys.OfferPoints(cancellationToken);
        Leakage.Begin(_connection, cancellationToken);
        ViewJoin[] views = [.. _plan.Views];
        _workers.Each(views.Length, (connection, i) => views[i] = Prepare(connection, views[i], cancellationToken));
        var plan = _plan with { Views = views };
        var part = Part(plan, cancellationToken);
        AnswerWindows(cancellationToken);
        for (long from = 0; from == 0 || from < _labels.Rows; from += part)
        {
            var to = Math.Min(from + part, _labels.Rows);
            _matched.Match(plan, Best, _held, _leakage, from, to, cancellationToken);
            _workers.Each(views.Length, (connection, i) => _leakage.Count(connection, views[i], _matched, _held, cancellationToken));
            if (to >= _labels.Rows)
            {
                Release(plan, cancellationToken);
            }

            Gather(writer, plan, to - from, cancellationToken);
            Progress?.Report((to, _labels.Rows));
        }

        return _leakage.Report(_connection, cancellationToken);
    }

    /// <summary>Labels of a part. One part is the file; of several it has to be put together, which takes a third of the time again.</summary>
    private int Part(JoinPlan plan, CancellationToken cancellationToken)
    {
        var width = MatchedLabels.Width(plan, _leakage);
        var affordable = width == 0 ? 0 : PartBytes / (width * DataSetWriter.RowGroup);
        var groups = Math.Min(affordable, Math.Min((_labels.Rows / DataSetWriter.RowGroup) + 1, int.MaxValue / DataSetWriter.RowGroup));
        var part = (int)Math.Max(PartRows, groups * DataSetWriter.RowGroup);
        _held.Bound(_connection, (part - PartRows) * width, cancellationToken);
        return part;
    }

    private bool IsWindow(SelectedView view) => _request.Rules.WindowAt == WindowAt.Label && view.View.Aggregated is not null;

    private static string Best(ViewJoin view) => $"best{view.Index}";

    private ViewJoin Prepare(DuckDbConnection connection, ViewJoin view, CancellationToken cancellationToken)
    {
        var group = _groups[view.Index];
        var opened = new ViewRows(connection, _pins, _labels, _held, _request.Rules.AsFeast).Open(_views[view.Index], view.Index, group, cancellationToken);
        var prepared = view with { KeyGroup = group, HasEnds = opened.HasEnds };
        var features = _views[view.Index].Features.Count;
        if (opened.Left is { } left && _plan is { KnownTime: KnownTime.Commit, FirstOfTies: false } && !opened.HasEnds)
        {
            if (_held.Hold(connection, prepared, left, features, _plan.AvailableAfterMicros, cancellationToken))
            {
                _leakage.Doubt(view.Index);
            }

            return prepared;
        }

        // To sort several large views at once would take the memory of all of them.
        lock (_large)
        {
            connection.Execute($"CREATE OR REPLACE TABLE {Best(prepared)} AS {new DuckDbJoin(_plan).Best(prepared)}", cancellationToken);
            _leakage.Prepare(connection, prepared, Best(prepared), cancellationToken);
            _held.Hold(connection, prepared, Best(prepared), opened.Left, features, cancellationToken);
        }

        return prepared;
    }

    private void AnswerWindows(CancellationToken cancellationToken)
    {
        foreach (var (index, view) in _views.Index().Where(v => IsWindow(v.Item)))
        {
            var table = _pins.Pin(view.View.Aggregated!.SourcePath, view.View.Name, cancellationToken);
            if (!table.IsChangeTable)
            {
                throw new DeltaException($"{table.Root} is no change table, so the windows of view {view.View.Name} cannot be computed at each label; use --window-at snapshot.");
            }

            var windows = new LabelWindows(_connection, table, view, _labels, _plan, index, _groups[index], cancellationToken);
            for (long from = 0; from < _labels.Rows; from += PartRows)
            {
                windows.Answer(from, from + PartRows, cancellationToken);
                windows.Differ(cancellationToken);
                _leakage.CountWindows(_connection, index, cancellationToken);
            }
        }
    }

    // What follows needs the memory more.
    private void Release(JoinPlan plan, CancellationToken cancellationToken)
    {
        foreach (var view in plan.Views)
        {
            _connection.Execute($"DROP TABLE IF EXISTS {Best(view)}; DROP TABLE IF EXISTS {Leakage.Other(view)}{(_held.HoldsAll(view.Index) ? $"; DROP VIEW history{view.Index}; DROP TABLE row{view.Index}" : string.Empty)}", cancellationToken);
        }
    }

    // Joined as written, labels come nearly in order, and to sort what is sorted costs little. That is for views that are smaller than the labels;
    // of larger ones no hash table should be made.
    private void Gather(DataSetWriter writer, JoinPlan plan, long labels, CancellationToken cancellationToken)
    {
        var asWritten = plan.Views.All(v => _held.HoldsAll(v.Index) || _connection.Number($"SELECT count(*) FROM row{v.Index}", cancellationToken) <= labels);
        _connection.Execute($"SET disabled_optimizers = '{(asWritten ? "join_order,build_side_probe_side" : string.Empty)}'", cancellationToken);
        writer.Add(Rows(plan), cancellationToken);
        _connection.Execute("SET disabled_optimizers = ''", cancellationToken);
    }

    /// <summary>
    /// The rows of the labels that were matched, in order. What is held is looked up, which keeps the order of the labels; the rest is joined before,
    /// and they are sorted.
    /// </summary>
    private string Rows(JoinPlan plan)
    {
        var columns = _labels.Columns.Select((_, i) => i == _labels.TimeIndex ? "make_timestamptz(l.t)" : $"l.c{i}").ToList();
        var carried = new List<string>();
        var joins = new List<string>();
        foreach (var (index, view) in _views.Index())
        {
            columns.AddRange(view.Shown.Select((_, f) => Feature(index, f)));
            List<int> joined = [.. Enumerable.Range(0, view.Features.Count).Where(f => !_held.Holds(index, f))];
            carried.AddRange(joined.Select(f => $", s{index}.f{f} AS s{index}_f{f}"));
            if (IsWindow(view))
            {
                joins.Add($"LEFT JOIN window{index} s{index} ON s{index}.rid = m.rid");
            }
            else if (joined.Count > 0)
            {
                joins.Add($"JOIN row{index} s{index} ON s{index}.sid = m.sid{index}");
            }
        }

        var rows = _matched.Rows(plan);
        var from = joins.Count == 0 ? $"({rows}) l" : $"""
            (SELECT m.*{string.Concat(carried)} FROM ({rows}) m
            {string.Join("\n", joins)}
            ORDER BY m.rid) l
            """;
        return _onDemand.Select(columns, Feature, Columns, from);
    }

    private string Feature(int view, int feature) => _held.Holds(view, feature) ? _held.Cell(view, feature, $"l.sid{view}") : $"l.s{view}_f{feature}";
}
