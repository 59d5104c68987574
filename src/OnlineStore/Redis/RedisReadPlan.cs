using System.Runtime.CompilerServices;
using FeatureStore.Contract.Keys;
using RESPite.Messages;
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

    private const int TablesOnStackMax = 64;
    private const long NoTime = long.MinValue;

    private readonly RedisTable[] _tables;
    private readonly List<RedisKeyOrValue> _fields = [];
    private readonly RedisFieldIndex _index;

    // What each field brings: the place of a value among an entity's, or the complement of the table whose time it is.
    private readonly List<int> _slots = [];

    // Tables of one view share fields; each is fetched once, and its value and time then stand for the others too.
    private readonly List<(int From, int To)> _copies = [];
    private readonly int[] _timeOfTable;
    private readonly int[] _firstOfTable;
    private volatile bool _wholeHash;

    private RedisReadPlan(IReadOnlyList<OnlineTable> tables)
    {
        _tables = [.. tables.Select(RedisTable.Of)];
        (_timeOfTable, _firstOfTable) = (new int[_tables.Length], new int[_tables.Length]);
        var known = new Dictionary<byte[], int>(EntityKeyComparer.Instance);
        for (var t = 0; t < _tables.Length; t++)
        {
            _firstOfTable[t] = ValuesPerEntity;
            _timeOfTable[t] = ~Slot(known, _tables[t].TimeField, ~t);
            foreach (var feature in _tables[t].Features)
            {
                var (to, from) = (ValuesPerEntity, Slot(known, feature, ValuesPerEntity));
                ValuesPerEntity++;
                if (from != to)
                {
                    _copies.Add((from, to));
                }
            }
        }

        _index = new RedisFieldIndex(known);
        _wholeHash = _fields.Count >= WholeHashFieldsMin;
    }

    /// <summary>Values that <see cref="Take"/> keeps of an entity.</summary>
    public int ValuesPerEntity { get; private set; }

    /// <summary>Whether an entity's whole hash is asked for at present; the answer to one read stays with it from asking to taking.</summary>
    public bool IsWholeHash => _wholeHash;

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

    /// <summary>Sends the one command that brings an entity's fields. The reply stays as it came; who gets it disposes it.</summary>
    public Task<RespResult> FetchAsync(IDatabase database, RedisKey key, bool wholeHash)
    {
        if (wholeHash)
        {
            return database.ExecuteRespAsync("HGETALL", new RedisKeyOrValue[] { key });
        }

        var arguments = new RedisKeyOrValue[_fields.Count + 1];
        arguments[0] = key;
        _fields.CopyTo(arguments, 1);
        return database.ExecuteRespAsync("HMGET", arguments);
    }

    /// <summary>Puts the rows of an entity where they belong: <c>result[table][entity]</c>.</summary>
    /// <exception cref="OnlineStoreException">What is stored is no timestamp or no value.</exception>
    public void Take(RespResult reply, bool wholeHash, StoredArena arena, OnlineRead[][] result, int entity)
    {
        var reader = reply.Read();
        arena.Begin(checked((int)reader.ProtocolBytesRemaining));
        var times = _tables.Length <= TablesOnStackMax ? stackalloc long[_tables.Length] : new long[_tables.Length];
        times.Fill(NoTime);
        if (wholeHash)
        {
            TakePairs(ref reader, arena, times);
        }
        else
        {
            for (var i = 0; i < _slots.Count; i++)
            {
                reader.MoveNextScalar();
                TakeField(ref reader, _slots[i], arena, times);
            }
        }

        foreach (var (from, to) in _copies)
        {
            arena.Copy(from, to);
        }

        for (var t = 0; t < _tables.Length; t++)
        {
            result[t][entity] = Row(t, times[_timeOfTable[t]], arena);
        }
    }

    private void TakePairs(ref RespReader reader, StoredArena arena, scoped Span<long> times)
    {
        var pairs = 0;
        while (reader.TryMoveNext())
        {
            var field = _index.Find(ref reader, pairs++);
            reader.MoveNextScalar();
            if (field >= 0)
            {
                TakeField(ref reader, _slots[field], arena, times);
            }
        }

        if (pairs > ListFieldsMax)
        {
            _wholeHash = false;
        }
    }

    private void TakeField(ref RespReader reader, int slot, StoredArena arena, scoped Span<long> times)
    {
        if (reader.IsNull)
        {
            return;
        }

        if (slot >= 0)
        {
            reader.CopyTo(arena.Put(slot, reader.ScalarLength()));
        }
        else
        {
            times[~slot] = reader.TryGetSpan(out var bytes)
                ? StoredBytes.EventTimeMicros(_tables[~slot].Table, bytes)
                : StoredBytes.EventTimeMicros(_tables[~slot].Table, reader.ReadByteArray());
        }
    }

    private OnlineRead Row(int table, long time, StoredArena arena)
    {
        if (time == NoTime)
        {
            return _tables[table].NoRow;
        }

        var values = arena.Values(_firstOfTable[table], _tables[table].Features.Length);
        StoredBytes.CheckValues(_tables[table].Table, values);
        return new OnlineRead(time, values);
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

    // The slot of a field: the one given for it, or the one that it has already.
    private int Slot(Dictionary<byte[], int> known, RedisValue field, int slot)
    {
        byte[] name = field!;
        if (known.TryGetValue(name, out var at))
        {
            return _slots[at];
        }

        known.Add(name, _fields.Count);
        _fields.Add(field);
        _slots.Add(slot);
        return slot;
    }
}
