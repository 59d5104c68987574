using System.Runtime.CompilerServices;
using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>
/// A view's answers over time, made in one pass over each entity's rows: what <see cref="DuckDbJoin.Best"/> says in SQL, for rows none of which ends, in the order
/// that both known times share. From <c>since</c> on the answer is row <c>sid</c>; at <c>next_event</c> a better row happened, known or not.
/// </summary>
internal sealed class Timeline
{
    /// <summary>Columns beside the code and the moment.</summary>
    public const int ColumnCount = 3;

    private const long NoRow = -1;
    private int[] _codes = [];
    private long[] _since = [];
    private long[] _sids = [];
    private long[] _events = [];
    private long[] _nexts = [];

    public int Count { get; private set; }

    public ReadOnlySpan<int> Codes => _codes.AsSpan(0, Count);

    public ReadOnlySpan<long> Since => _since.AsSpan(0, Count);

    /// <summary>The columns beside the moment, as a table of answers names them.</summary>
    public IReadOnlyList<(string Name, ReadOnlyMemory<long> Values)> Columns =>
        [("sid", _sids.AsMemory(0, Count)), ("event_time", _events.AsMemory(0, Count)), ("next_event", _nexts.AsMemory(0, Count))];

    /// <summary>A query for <see cref="Read"/>.</summary>
    public static string Rows(int view) => $"SELECT code, event_time, coalesce(known_time, event_time), sid FROM history{view}";

    /// <summary>Makes the answers by known time, and those by event time of the entities with a row that was known after it had happened.</summary>
    /// <param name="reader">Of code, event time, known time and position, in any order.</param>
    /// <param name="capacity">Rows that there are about.</param>
    /// <param name="afterMicros">How long after it was known a row begins to count.</param>
    public static (Timeline Known, Timeline Happened) Read(DuckDbReader reader, int capacity, long afterMicros)
    {
        var history = new EntityRows(capacity);
        while (reader.NextChunk())
        {
            history.Add(reader.Int32s(0), reader.Int64s(1), reader.Int64s(2), reader.Int64s(3));
        }

        var (rows, starts) = history.InOrder();
        var (known, happened) = (new Timeline(), new Timeline());
        known.Reserve(rows.Length + starts.Length);
        var entity = new Entity();
        for (var code = 0; code + 1 < starts.Length; code++)
        {
            entity.Answer(code, rows.AsSpan(starts[code]..starts[code + 1]), afterMicros, known, happened);
        }

        return (known, happened);
    }

    private void Reserve(int answers)
    {
        if (Count + answers > _codes.Length)
        {
            var length = Math.Max(Count + answers, 2 * _codes.Length);
            Array.Resize(ref _codes, length);
            Array.Resize(ref _since, length);
            Array.Resize(ref _sids, length);
            Array.Resize(ref _events, length);
            Array.Resize(ref _nexts, length);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Add(int code, long since, long sid, long eventTime, long next)
    {
        var i = Count++;
        (_codes[i], _since[i], _sids[i], _events[i], _nexts[i]) = (code, since, sid, eventTime, next);
    }

    /// <summary>When the rows of one entity begin to count, and when a better one does.</summary>
    private sealed class Entity
    {
        private long[] _since = new long[16];
        private long[] _until = new long[16];

        // A row counts if it begins before all that follow it in the order of event times. Those that count begin one after another.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Answer(int code, ReadOnlySpan<EntityRow> rows, long afterMicros, Timeline known, Timeline happened)
        {
            if (rows.Length > _since.Length)
            {
                (_since, _until) = (new long[2 * rows.Length], new long[2 * rows.Length]);
            }

            known.Reserve(rows.Length + 1);
            happened.Reserve(rows.Length);
            var first = JoinPlan.Never;
            var isLate = false;
            for (var r = rows.Length - 1; r >= 0; r--)
            {
                _since[r] = Math.Max(rows[r].Event, checked(rows[r].Known + afterMicros));
                _until[r] = first;
                first = Math.Min(first, _since[r]);
                isLate |= _since[r] > rows[r].Event;
            }

            // Before the first row was known there is no answer that could tell that it had happened.
            if (rows.Length > 0 && rows[0].Event < first)
            {
                known.Add(code, rows[0].Event, NoRow, rows[0].Event, rows[0].Event);
            }

            for (var r = 0; r < rows.Length; r++)
            {
                var next = r + 1 < rows.Length ? rows[r + 1].Event : JoinPlan.Never;
                if (_since[r] < _until[r])
                {
                    known.Add(code, _since[r], rows[r].Sid, rows[r].Event, next);
                }

                if (isLate && rows[r].Event < next)
                {
                    happened.Add(code, rows[r].Event, rows[r].Sid, rows[r].Event, next);
                }
            }
        }
    }
}
