using System.Diagnostics.CodeAnalysis;
using Feast.Serving;
using Google.Protobuf.WellKnownTypes;
using Value = Feast.Types.Value;

namespace FeatureStore.Client;

/// <summary>
/// The answer to a query: a row per entity row, in the order asked, and a column per join key and feature. Features of
/// one view may stand in any order; take columns by name.
/// </summary>
public sealed class OnlineFeatureTable
{
    private readonly Dictionary<string, OnlineFeatureColumn> _byName;

    internal OnlineFeatureTable(IReadOnlyList<OnlineFeatureColumn> columns, int rowCount)
    {
        Columns = columns;
        RowCount = rowCount;
        _byName = columns.ToDictionary(c => c.Name);
    }

    /// <summary>All columns, as the server ordered them: join keys, then features.</summary>
    public IReadOnlyList<OnlineFeatureColumn> Columns { get; }

    /// <summary>Number of rows.</summary>
    public int RowCount { get; }

    /// <summary>The rows.</summary>
    public IEnumerable<OnlineFeatureRow> Rows => Enumerable.Range(0, RowCount).Select(i => new OnlineFeatureRow(this, i));

    /// <summary>A column by name.</summary>
    /// <exception cref="KeyNotFoundException">The answer has no such column; the message lists those it has.</exception>
    public OnlineFeatureColumn this[string name] => _byName.TryGetValue(name, out var column)
        ? column
        : throw new KeyNotFoundException($"The answer has no column '{name}'; it has {string.Join(", ", Columns.Select(c => c.Name))}.");

    /// <summary>One row.</summary>
    public OnlineFeatureRow Row(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, RowCount);
        return new OnlineFeatureRow(this, index);
    }

    /// <summary>Whether the answer has a column, and the column.</summary>
    public bool TryGetColumn(string name, [MaybeNullWhen(false)] out OnlineFeatureColumn column) => _byName.TryGetValue(name, out column);
}

/// <summary>One column of an answer: a cell per row.</summary>
public sealed class OnlineFeatureColumn
{
    internal OnlineFeatureColumn(string name, IReadOnlyList<Value> values, IReadOnlyList<FieldStatus> statuses, IReadOnlyList<Timestamp?> times)
    {
        Name = name;
        Values = values;
        Statuses = statuses;
        Times = times;
    }

    /// <summary>Join key, feature, or <c>view__feature</c> if full names were asked for.</summary>
    public string Name { get; }

    /// <summary>Number of rows.</summary>
    public int Count => Values.Count;

    internal IReadOnlyList<Value> Values { get; }

    internal IReadOnlyList<FieldStatus> Statuses { get; }

    internal IReadOnlyList<Timestamp?> Times { get; }

    /// <summary>The cell of a row.</summary>
    public OnlineFeature this[int row] => new(this, row);
}

/// <summary>One row of an answer.</summary>
public readonly struct OnlineFeatureRow
{
    private readonly OnlineFeatureTable _table;

    internal OnlineFeatureRow(OnlineFeatureTable table, int index)
    {
        _table = table;
        Index = index;
    }

    /// <summary>The row's place among the entity rows of the query.</summary>
    public int Index { get; }

    /// <summary>The cell of a column.</summary>
    /// <exception cref="KeyNotFoundException">The answer has no such column.</exception>
    public OnlineFeature this[string column] => _table[column][Index];
}
