using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>
/// A view's answers over time, made in one pass over its rows: what <see cref="DuckDbJoin.Best"/> says in SQL, for rows none of which ends, in the order
/// that both known times share. From <c>since</c> on the answer is row <c>sid</c>; at <c>next_event</c> a better row happened, known or not.
/// </summary>
internal sealed class Timeline
{
    /// <summary>Columns beside the code and the moment.</summary>
    public const int ColumnCount = 3;

    private const long NoRow = -1;
    private readonly List<int> _codes = [];
    private readonly List<long> _since = [];
    private readonly List<long> _sids = [];
    private readonly List<long> _events = [];
    private readonly List<long> _nexts = [];

    public int Count => _codes.Count;

    public ReadOnlySpan<int> Codes => CollectionsMarshal.AsSpan(_codes);

    public ReadOnlySpan<long> Since => CollectionsMarshal.AsSpan(_since);

    /// <summary>The columns beside the moment, as a table of answers names them.</summary>
    public IReadOnlyList<(string Name, long[] Values)> Columns => [("sid", [.. _sids]), ("event_time", [.. _events]), ("next_event", [.. _nexts])];

    /// <summary>A query for <see cref="Read"/>.</summary>
    public static string Rows(int view) => $"SELECT code, event_time, coalesce(known_time, event_time), sid FROM history{view} ORDER BY ALL";

    /// <summary>Makes the answers by known time, and those by event time of the entities with a row that was known after it had happened.</summary>
    /// <param name="rows">Of code, event time, known time and position, in the order of all.</param>
    /// <param name="afterMicros">How long after it was known a row begins to count.</param>
    public static (Timeline Known, Timeline Happened) Read(DuckDbReader rows, long afterMicros)
    {
        var (known, happened) = (new Timeline(), new Timeline());
        var entity = new Entity();
        while (rows.NextChunk())
        {
            var codes = rows.Int32s(0);
            for (var from = 0; from < codes.Length;)
            {
                if (entity.Rows > 0 && codes[from] != entity.Code)
                {
                    entity.End(known, happened);
                }

                var part = from..EndOf(codes, from);
                entity.Code = codes[from];
                entity.Add(rows.Int64s(1)[part], rows.Int64s(2)[part], rows.Int64s(3)[part], afterMicros);
                from = part.End.Value;
            }
        }

        entity.End(known, happened);
        return (known, happened);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int EndOf(ReadOnlySpan<int> codes, int from)
    {
        var to = from + 1;
        while (to < codes.Length && codes[to] == codes[from])
        {
            to++;
        }

        return to;
    }

    private void Add(int code, long since, long sid, long eventTime, long next)
    {
        _codes.Add(code);
        _since.Add(since);
        _sids.Add(sid);
        _events.Add(eventTime);
        _nexts.Add(next);
    }

    /// <summary>The rows of one entity.</summary>
    private sealed class Entity
    {
        private long[] _events = new long[16];
        private long[] _since = new long[16];
        private long[] _until = new long[16];
        private long[] _sids = new long[16];
        private bool _isLate;

        public int Code { get; set; }

        public int Rows { get; private set; }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Add(ReadOnlySpan<long> events, ReadOnlySpan<long> knowns, ReadOnlySpan<long> sids, long afterMicros)
        {
            while (Rows + events.Length > _events.Length)
            {
                Array.Resize(ref _events, 2 * _events.Length);
                Array.Resize(ref _since, _events.Length);
                Array.Resize(ref _until, _events.Length);
                Array.Resize(ref _sids, _events.Length);
            }

            for (var i = 0; i < events.Length; i++)
            {
                var since = Math.Max(events[i], checked(knowns[i] + afterMicros));
                _isLate |= since > events[i];
                (_events[Rows], _since[Rows], _sids[Rows]) = (events[i], since, sids[i]);
                Rows++;
            }
        }

        // A row counts if it begins before all that follow it in the order of event times. Those that count begin one after another.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void End(Timeline known, Timeline happened)
        {
            var first = JoinPlan.Never;
            for (var r = Rows - 1; r >= 0; r--)
            {
                _until[r] = first;
                first = Math.Min(first, _since[r]);
            }

            // Before the first row was known there is no answer that could tell that it had happened.
            if (Rows > 0 && _events[0] < first)
            {
                known.Add(Code, _events[0], NoRow, _events[0], _events[0]);
            }

            for (var r = 0; r < Rows; r++)
            {
                var next = r + 1 < Rows ? _events[r + 1] : JoinPlan.Never;
                if (_since[r] < _until[r])
                {
                    known.Add(Code, _since[r], _sids[r], _events[r], next);
                }

                if (_isLate && _events[r] < next)
                {
                    happened.Add(Code, _events[r], _sids[r], _events[r], next);
                }
            }

            (Rows, _isLate) = (0, false);
        }
    }
}
