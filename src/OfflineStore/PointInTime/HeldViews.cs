using System.Globalization;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>
/// Views that are small enough to be held in memory. Their answers are looked up by a label's entity and time, and their features by the row's number,
/// so that nothing but the number is joined and sorted. Larger views are joined, to the same end. Several may be prepared at once, each on a connection.
/// </summary>
/// <param name="memoryLimitMiB">DuckDB's bound, which is lowered by what is held.</param>
/// <param name="bytes">Most memory to hold views in.</param>
internal sealed class HeldViews(int memoryLimitMiB, long bytes)
{
    // A range of numbers with many gaps would be held for few rows.
    private const int SpanPerRow = 2;
    private const int SpanLeast = 1024;

    // Two answers to each row at most, each with the row's number and time, once more for the other known time.
    private const int AnswersPerRow = 2;
    private const int AnswerColumns = 4;
    private readonly Dictionary<int, View> _views = [];
    private readonly HashSet<int> _held = [];
    private readonly HashSet<int> _others = [];
    private readonly Dictionary<int, long> _reserved = [];
    private readonly Lock _gate = new();
    private long _used;

    /// <summary>Their numbers.</summary>
    public IReadOnlySet<int> Numbers => _held;

    /// <summary>The function that finds a view's answer: its position by entity and time.</summary>
    public static string Find(int view) => $"find{view}";

    /// <summary>The function of a column of the answer, by its position.</summary>
    public static string Answer(int view, string column) => $"answer{view}_{column}";

    /// <summary>The function that finds the answer by the other known time.</summary>
    public static string FindOther(int view) => $"find_other{view}";

    /// <summary>The function of a column of that answer.</summary>
    public static string OtherAnswer(int view, string column) => $"other_answer{view}_{column}";

    /// <summary>Whether a view's answers by the other known time are held too.</summary>
    public bool HasOther(int view) => _others.Contains(view);

    /// <summary>Sets the memory aside that a view takes at most if its source is held whole; false if there is not so much.</summary>
    /// <param name="width">Bytes of a row's features.</param>
    public bool Reserve(int view, long rows, long width)
    {
        if (rows >= int.MaxValue)
        {
            return false;
        }

        var needed = rows * (width + (AnswersPerRow * AnswerBytes(AnswerColumns)));
        lock (_gate)
        {
            return Take(view, needed, isSure: false);
        }
    }

    /// <summary>Holds a view whose answers one pass over its rows gives.</summary>
    /// <param name="left">Its features, as <see cref="OpenedView.Left"/> says.</param>
    /// <param name="afterMicros">How long after it was known a row begins to count.</param>
    /// <returns>Whether a row was known after it had happened; then <see cref="HasOther"/>.</returns>
    public bool Hold(DuckDbConnection connection, ViewJoin view, string left, int features, long afterMicros, CancellationToken cancellationToken)
    {
        var count = connection.Number($"SELECT count(*) FROM row{view.Index}", cancellationToken);
        using var rows = connection.Query(Timeline.Rows(view.Index), cancellationToken);
        var (known, happened) = Timeline.Read(rows, (int)count, afterMicros);
        Offer(connection, Find(view.Index), known, column => Answer(view.Index, column));
        HoldFeatures(connection, view.Index, left, features, known.Count + happened.Count, Timeline.ColumnCount, cancellationToken);
        if (happened.Count == 0)
        {
            return false;
        }

        Offer(connection, FindOther(view.Index), happened, column => OtherAnswer(view.Index, column));
        lock (_gate)
        {
            _others.Add(view.Index);
        }

        return true;
    }

    /// <summary>Holds a view of the answers in a table, unless that would take too much.</summary>
    /// <param name="best">The table.</param>
    /// <param name="left">Features that have to be held, as <see cref="OpenedView.Left"/> says; null if they are with the rows.</param>
    /// <param name="features">How many it has.</param>
    public void Hold(DuckDbConnection connection, ViewJoin view, string best, string? left, int features, CancellationToken cancellationToken)
    {
        var answers = connection.Number($"SELECT count(*) FROM {best}", cancellationToken);
        string[] columns = [.. connection.Describe($"FROM {best}", cancellationToken).Select(c => c.Name).Where(n => n is not ("code" or "since"))];
        if (HoldFeatures(connection, view.Index, left, features, answers, columns.Length, cancellationToken))
        {
            connection.OfferMoments(
                $"SELECT code, since{string.Concat(columns.Select(c => ", " + c))} FROM {best} ORDER BY code, since",
                Find(view.Index),
                [.. columns.Select(c => Answer(view.Index, c))],
                (int)answers,
                cancellationToken);
        }
    }

    private bool HoldFeatures(DuckDbConnection connection, int view, string? left, int features, long answers, int answerColumns, CancellationToken cancellationToken)
    {
        var counts = connection.Texts($"SELECT count(*), coalesce(min(sid), 0), coalesce(max(sid), -1) + 1 FROM row{view} WHERE sid >= 0", cancellationToken)[0]
            .Select(n => long.Parse(n!, CultureInfo.InvariantCulture)).ToArray();
        var (rows, first, span) = (counts[0], counts[1], counts[2] - counts[1]);
        var values = left ?? $"FROM row{view}";
        var widths = connection.Describe(values, cancellationToken).ToDictionary(c => c.Name, c => DuckDbLookups.Width(c.Type));
        List<int> fixedWidth = [.. Enumerable.Range(0, features).Where(f => widths.GetValueOrDefault($"f{f}") > 0)];
        var needed = (span * fixedWidth.Sum(f => widths[$"f{f}"] + 1L)) + (answers * AnswerBytes(answerColumns));
        lock (_gate)
        {
            // What was left in its source was found to fit before.
            var fits = Take(view, needed, isSure: left is not null);
            if (left is null && (span > SpanLeast + (rows * SpanPerRow) || !fits))
            {
                Take(view, 0, isSure: true);
                return false;
            }

            _held.Add(view);
            _views.Add(view, new View(first, [.. fixedWidth], features));
        }

        if (fixedWidth.Count > 0)
        {
            connection.OfferValues(
                $"SELECT sid - {LakeSql.Number(first)}{string.Concat(fixedWidth.Select(f => $", f{f}"))} FROM ({values}) WHERE sid >= {LakeSql.Number(first)} AND sid < {LakeSql.Number(first + span)}",
                [.. fixedWidth.Select(f => Value(view, f))],
                (int)span,
                cancellationToken);
        }

        return true;
    }

    /// <summary>Sets memory aside in place of what was set aside for the view before.</summary>
    private bool Take(int view, long needed, bool isSure)
    {
        var used = _used - _reserved.GetValueOrDefault(view) + needed;
        if (used > bytes && !isSure)
        {
            return false;
        }

        (_used, _reserved[view]) = (used, needed);
        return true;
    }

    private static void Offer(DuckDbConnection connection, string find, Timeline timeline, Func<string, string> name) =>
        connection.OfferMoments(find, timeline.Codes, timeline.Since, [.. timeline.Columns.Select(c => (name(c.Name), c.Values))]);

    private static long AnswerBytes(int columns) => sizeof(long) + (columns * (sizeof(long) + 1L));

    /// <summary>Lowers DuckDB's bound by what is held, when every view is, and by other memory.</summary>
    public void Bound(DuckDbConnection connection, long others, CancellationToken cancellationToken) =>
        LakeDatabase.Bound(connection, memoryLimitMiB - (int)((_used + others) >> 20), cancellationToken);

    /// <summary>Whether a feature is looked up.</summary>
    public bool Holds(int view, int feature) => _views.TryGetValue(view, out var held) && held.Features.Contains(feature);

    /// <summary>Whether every feature is.</summary>
    public bool HoldsAll(int view) => _views.TryGetValue(view, out var held) && held.Features.Count == held.Of;

    /// <summary>A feature that is looked up, of the row of a number.</summary>
    public string Cell(int view, int feature, string sid) => $"{Value(view, feature)}({sid} - {LakeSql.Number(_views[view].First)})";

    private static string Value(int view, int feature) => $"value{view}_{feature}";

    private sealed record View(long First, HashSet<int> Features, int Of);
}
