using Feast.Serving;
using Feast.Types;

namespace FeatureStore.Client;

/// <summary>
/// The entities to read features of: for each join key one value per row. Immutable.
/// <code>EntityRows.Of("user_id", "576", "2378")
/// EntityRows.Of("driver_id", 1001L, 1002L).And("customer_id", "c1", "c2")</code>
/// </summary>
public sealed class EntityRows
{
    private readonly IReadOnlyList<(string JoinKey, Value[] Values)> _columns;

    private EntityRows(IReadOnlyList<(string JoinKey, Value[] Values)> columns) => _columns = columns;

    /// <summary>Number of rows.</summary>
    public int Count => _columns[0].Values.Length;

    /// <summary>Names of the join keys, in the order given.</summary>
    public IReadOnlyList<string> JoinKeys => [.. _columns.Select(c => c.JoinKey)];

    /// <summary>Rows with one join key.</summary>
    public static EntityRows Of(string joinKey, params ReadOnlySpan<EntityValue> values) => new([(Named(joinKey), Messages(values))]);

    /// <inheritdoc cref="Of(string, ReadOnlySpan{EntityValue})"/>
    public static EntityRows Of(string joinKey, IEnumerable<EntityValue> values) => Of(joinKey, [.. values]);

    /// <inheritdoc cref="Of(string, ReadOnlySpan{EntityValue})"/>
    public static EntityRows Of(string joinKey, IEnumerable<string> values) => Of(joinKey, values.Select(v => (EntityValue)v));

    /// <inheritdoc cref="Of(string, ReadOnlySpan{EntityValue})"/>
    public static EntityRows Of(string joinKey, IEnumerable<long> values) => Of(joinKey, values.Select(v => (EntityValue)v));

    /// <summary>Rows given one by one, each with the same join keys.</summary>
    /// <exception cref="ArgumentException">There is no row, or a row has other join keys than the first.</exception>
    public static EntityRows FromRows(IEnumerable<IReadOnlyDictionary<string, EntityValue>> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var all = rows.ToArray();
        if (all.Length == 0 || all[0].Count == 0)
        {
            throw new ArgumentException("There is no entity row, or the first has no join key; its join keys name the columns.", nameof(rows));
        }

        var columns = all[0].Keys.Select(key => (Named(key), new Value[all.Length])).ToArray();
        for (var row = 0; row < all.Length; row++)
        {
            foreach (var (joinKey, values) in columns)
            {
                values[row] = all[row].Count == columns.Length && all[row].TryGetValue(joinKey, out var value)
                    ? value.Message
                    : throw new ArgumentException(
                        $"Row {row} has the join keys {string.Join(", ", all[row].Keys)}; the first row has {string.Join(", ", all[0].Keys)}.", nameof(rows));
            }
        }

        return new EntityRows(columns);
    }

    /// <summary>The same rows with one join key more.</summary>
    /// <exception cref="ArgumentException">The join key is there already, or the number of values differs.</exception>
    public EntityRows And(string joinKey, params ReadOnlySpan<EntityValue> values)
    {
        if (_columns.Any(c => c.JoinKey == joinKey))
        {
            throw new ArgumentException($"The join key '{joinKey}' is given twice.", nameof(joinKey));
        }

        return values.Length == Count
            ? new EntityRows([.. _columns, (Named(joinKey), Messages(values))])
            : throw new ArgumentException($"'{joinKey}' has {values.Length} values and '{_columns[0].JoinKey}' has {Count}; give one per row.", nameof(values));
    }

    /// <inheritdoc cref="And(string, ReadOnlySpan{EntityValue})"/>
    public EntityRows And(string joinKey, IEnumerable<EntityValue> values) => And(joinKey, [.. values]);

    /// <inheritdoc cref="And(string, ReadOnlySpan{EntityValue})"/>
    public EntityRows And(string joinKey, IEnumerable<string> values) => And(joinKey, values.Select(v => (EntityValue)v));

    /// <inheritdoc cref="And(string, ReadOnlySpan{EntityValue})"/>
    public EntityRows And(string joinKey, IEnumerable<long> values) => And(joinKey, values.Select(v => (EntityValue)v));

    /// <summary>Writes rows [start, start + count) into a request.</summary>
    internal void AddTo(GetOnlineFeaturesRequest request, int start, int count)
    {
        foreach (var (joinKey, values) in _columns)
        {
            request.Entities[joinKey] = new RepeatedValue { Val = { new ArraySegment<Value>(values, start, count) } };
        }
    }

    private static string Named(string joinKey)
    {
        ArgumentException.ThrowIfNullOrEmpty(joinKey);
        return joinKey;
    }

    private static Value[] Messages(ReadOnlySpan<EntityValue> values)
    {
        var messages = new Value[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            messages[i] = values[i].Message;
        }

        return messages;
    }
}
