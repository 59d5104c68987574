using System.Runtime.CompilerServices;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>
/// How the rows of some tables are fetched: which fields of an entity's hash, by which command, and where each lands.
/// Made once per list of tables and reused while callers bring the same tables.
/// </summary>
internal sealed class RedisReadPlan
{
    private const int PlansPerTableMax = 16;

    // HMGET looks for each field from the start of the hash, HGETALL walks it once but brings what nobody asked for. CPU
    // microseconds per entity, ours + the server's, on 2 shared cores (Redis 7.0.15, values of 9 bytes):
    //   hash of 55 fields    30 wanted:  23 against  21     40:  20 against  17      55:  30 against  20
    //   hash of 275 fields   40 wanted:  58 against  89     80: 122 against  94     275: 414 against 102
    // so the line lies near 40 and near 65; one number in between serves both.
    private const int WholeHashFieldsMin = 50;

    // Redis keeps a hash of up to hash-max-listpack-entries (default 512) as one list. A larger one is a hash table, in
    // which HMGET finds a field at once and wins at any count that a plan has.
    private const int ListFieldsMax = 512;

    private static readonly ConditionalWeakTable<OnlineTable, RedisReadPlan[]> Known = [];

    private readonly RedisTable[] _tables;
    private readonly int[] _timeAt;
    private readonly int[][] _featuresAt;
    private readonly Dictionary<RedisValue, int> _at = new(RedisValue.EqualityComparer.Binary);
    private volatile bool _wholeHash;

    private RedisReadPlan(IReadOnlyList<OnlineTable> tables)
    {
        _tables = [.. tables.Select(RedisTable.Of)];
        var fields = new List<RedisValue>();
        _timeAt = [.. _tables.Select(t => At(t.TimeField, fields))];
        _featuresAt = [.. _tables.Select(t => t.Features.Select(f => At(f, fields)).ToArray())];
        Fields = [.. fields];
        _wholeHash = Fields.Length >= WholeHashFieldsMin;
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
    public Task<RedisValue[]> FetchAsync(IDatabase database, RedisKey key) =>
        _wholeHash ? FetchWholeAsync(database, key) : database.HashGetAsync(key, Fields);

    /// <summary>One table's row from the values of <see cref="Fields"/>.</summary>
    /// <exception cref="OnlineStoreException">What is stored is no timestamp or no value.</exception>
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

        StoredBytes.CheckValues(_tables[table].Table, row);
        return new OnlineRead(StoredBytes.EventTimeMicros(_tables[table].Table, ((ReadOnlyMemory<byte>)time).Span), row);
    }

    private async Task<RedisValue[]> FetchWholeAsync(IDatabase database, RedisKey key)
    {
        var entries = await database.HashGetAllAsync(key);
        var values = new RedisValue[Fields.Length];
        foreach (var entry in entries)
        {
            if (_at.TryGetValue(entry.Name, out var at))
            {
                values[at] = entry.Value;
            }
        }

        if (entries.Length > ListFieldsMax)
        {
            _wholeHash = false;
        }

        return values;
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
