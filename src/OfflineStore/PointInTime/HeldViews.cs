using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>
/// Views that are small enough to be held in memory. Their answers are looked up by a label's entity and time, and their features by the row's number,
/// so that nothing but the number is joined and sorted. Larger views are joined, to the same end.
/// </summary>
/// <param name="memoryLimitMiB">DuckDB's bound, which is lowered by what is held.</param>
/// <param name="bytes">Most memory to hold views in.</param>
internal sealed class HeldViews(DuckDbConnection connection, int memoryLimitMiB, long bytes)
{
    // A range of numbers with many gaps would be held for few rows.
    private const int SpanPerRow = 2;
    private const int SpanLeast = 1024;
    private readonly Dictionary<int, View> _views = [];
    private readonly HashSet<int> _held = [];
    private long _used;

    /// <summary>Their numbers.</summary>
    public IReadOnlySet<int> Numbers => _held;

    /// <summary>The function that finds a view's answer: its position by entity and time.</summary>
    public static string Find(int view) => $"find{view}";

    /// <summary>The function of a column of the answer, by its position.</summary>
    public static string Answer(int view, string column) => $"answer{view}_{column}";

    /// <summary>Holds a view, unless that would take too much.</summary>
    /// <param name="best">The table of its answers.</param>
    /// <param name="features">How many it has.</param>
    public void Hold(ViewJoin view, string best, int features, CancellationToken cancellationToken)
    {
        var i = view.Index;
        var counts = connection.Texts($"SELECT count(*), coalesce(min(sid), 0), coalesce(max(sid), -1) + 1, (SELECT count(*) FROM {best}) FROM row{i} WHERE sid >= 0", cancellationToken)[0]
            .Select(n => long.Parse(n!, System.Globalization.CultureInfo.InvariantCulture)).ToArray();
        var (rows, first, span, answers) = (counts[0], counts[1], counts[2] - counts[1], counts[3]);
        var types = connection.Describe($"FROM row{i}", cancellationToken).ToDictionary(c => c.Name, c => c.Type);
        List<int> fixedWidth = [.. Enumerable.Range(0, features).Where(f => DuckDbLookups.Width(types[$"f{f}"]) > 0)];
        string[] columns = [.. connection.Describe($"FROM {best}", cancellationToken).Select(c => c.Name).Where(n => n is not ("code" or "since"))];
        var needed = (span * fixedWidth.Sum(f => DuckDbLookups.Width(types[$"f{f}"]) + 1L)) + (answers * (sizeof(long) + (columns.Length * (sizeof(long) + 1L))));
        if (span > SpanLeast + (rows * SpanPerRow) || _used + needed > bytes)
        {
            return;
        }

        connection.OfferMoments(
            $"SELECT code, since{string.Concat(columns.Select(c => ", " + c))} FROM {best} ORDER BY code, since", Find(i), [.. columns.Select(c => Answer(i, c))], (int)answers, cancellationToken);
        if (fixedWidth.Count > 0)
        {
            connection.OfferValues(
                $"SELECT sid - {LakeSql.Number(first)}{string.Concat(fixedWidth.Select(f => $", f{f}"))} FROM row{i} WHERE sid >= 0", [.. fixedWidth.Select(f => Value(i, f))], (int)span, cancellationToken);
        }

        _used += needed;
        _held.Add(i);
        _views.Add(i, new View(first, [.. fixedWidth], features));
    }

    /// <summary>Lowers DuckDB's bound by what is held, when every view is.</summary>
    public void Bound(CancellationToken cancellationToken) => LakeDatabase.Bound(connection, memoryLimitMiB - (int)(_used >> 20), cancellationToken);

    /// <summary>Whether a feature is looked up.</summary>
    public bool Holds(int view, int feature) => _views.TryGetValue(view, out var held) && held.Features.Contains(feature);

    /// <summary>Whether every feature is.</summary>
    public bool HoldsAll(int view) => _views.TryGetValue(view, out var held) && held.Features.Count == held.Of;

    /// <summary>A feature that is looked up, of the row of a number.</summary>
    public string Cell(int view, int feature, string sid) => $"{Value(view, feature)}({sid} - {LakeSql.Number(_views[view].First)})";

    private static string Value(int view, int feature) => $"value{view}_{feature}";

    private sealed record View(long First, HashSet<int> Features, int Of);
}
