using System.Runtime.CompilerServices;
using FeatureStore.Contract.Values;
using Google.Protobuf;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>
/// How the rows of some tables are fetched: which fields of an entity's hash, by which command, and where each lands.
/// Made once per list of tables and reused while callers bring the same tables.
/// </summary>
internal sealed class RedisReadPlan
{
    private const int PlansPerTableMax = 16;
    private static readonly ConditionalWeakTable<OnlineTable, RedisReadPlan[]> Known = [];

    private readonly RedisTable[] _tables;
    private readonly int[] _timeAt;
    private readonly int[][] _featuresAt;
    private readonly Dictionary<RedisValue, int> _at = new(RedisValue.EqualityComparer.Binary);

    private RedisReadPlan(IReadOnlyList<OnlineTable> tables)
    {
        _tables = [.. tables.Select(RedisTable.Of)];
        var fields = new List<RedisValue>();
        _timeAt = [.. _tables.Select(t => At(t.TimeField, fields))];
        _featuresAt = [.. _tables.Select(t => t.Features.Select(f => At(f, fields)).ToArray())];
        Fields = [.. fields];
    }

    /// <summary>The hash fields that the tables need, each once.</summary>
    public RedisValue[] Fields { get; }

    /// <summary>The plan for these tables, which are compared by identity.</summary>
    public static RedisReadPlan For(IReadOnlyList<OnlineTable> tables)
    {
        var known = Known.GetValue(tables[0], static _ => []);
        foreach (var plan in known)
        {
            if (plan.IsFor(tables))
            {
                return plan;
            }
        }

        var made = new RedisReadPlan(tables);
        Known.AddOrUpdate(tables[0], [made, .. known.Take(PlansPerTableMax - 1)]);
        return made;
    }

    /// <summary>Sends the one command that brings an entity's <see cref="Fields"/>.</summary>
    public Task<RedisValue[]> FetchAsync(IDatabase database, RedisKey key) => database.HashGetAsync(key, Fields);

    /// <summary>One table's row from the values of <see cref="Fields"/>.</summary>
    /// <exception cref="OnlineStoreException">The stored event time is no timestamp.</exception>
    public OnlineRead Row(int table, RedisValue[] values)
    {
        var time = values[_timeAt[table]];
        if (time.IsNull)
        {
            return _tables[table].NoRow;
        }

        var at = _featuresAt[table];
        var row = new byte[]?[at.Length];
        for (var f = 0; f < at.Length; f++)
        {
            row[f] = values[at[f]];
        }

        return new OnlineRead(Micros(table, time), row);
    }

    private long Micros(int table, RedisValue time)
    {
        try
        {
            return ValueBytes.TimestampMicros(((ReadOnlyMemory<byte>)time).Span);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new OnlineStoreException(
                $"The online store holds an event time of the view '{_tables[table].Table.View}' that is no timestamp; "
                + "remove the view's rows and materialize again.",
                e);
        }
    }

    private bool IsFor(IReadOnlyList<OnlineTable> tables)
    {
        if (tables.Count != _tables.Length)
        {
            return false;
        }

        for (var t = 0; t < _tables.Length; t++)
        {
            if (!ReferenceEquals(tables[t], _tables[t].Table))
            {
                return false;
            }
        }

        return true;
    }

    private int At(RedisValue field, List<RedisValue> fields)
    {
        if (!_at.TryGetValue(field, out var at))
        {
            _at[field] = at = fields.Count;
            fields.Add(field);
        }

        return at;
    }
}
