using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Tests.Features;

/// <summary>
/// A small random history: a few users, a dozen keys of two sources, every kind of change. Its users and sources carry the
/// seed in their names, so that many histories can share a table and a wrong row still tells its seed.
/// </summary>
internal sealed class RandomHistory
{
    private const long Day = BankView.Day;
    private const int Keys = 12;
    private const int LsnStep = 1_000;
    private readonly Random _random;
    private readonly int _seed;
    private readonly IReadOnlyList<long> _times;
    private readonly List<ChangeRow> _rows = [];
    private int _keyChanges;

    private RandomHistory(int seed, IReadOnlyList<long> times)
    {
        _random = new Random(seed);
        _seed = seed;
        _times = times;
    }

    /// <summary>The rows in some order of arrival, some of them twice.</summary>
    public static List<ChangeRow> Rows(int seed, IReadOnlyList<long> times, bool truncates)
    {
        var history = new RandomHistory(seed, times);
        for (var key = 0; key < Keys; key++)
        {
            history.Live(key);
        }

        if (truncates && history._random.Next(2) == 0)
        {
            history.Put("t", history.Source(0), (history._random.Next(1, 6) * LsnStep) + LsnStep - 1, 0, null, [], new object?[4]);
        }

        return [.. history._rows.OrderBy(_ => history._random.Next())];
    }

    public static string SeedOf(string row) => row[1..row.IndexOf('.', StringComparison.Ordinal)];

    // Half of the keys have one row only, as most have in a bank.
    private void Live(int index)
    {
        var (source, key) = (Source(index), $"k{_seed}.{index % (Keys / 2)}");
        var versions = _random.Next(2) == 0 ? 1 : _random.Next(2, 7);
        for (var v = 0; v < versions; v++)
        {
            var lsn = ((v + 1) * LsnStep) + index;
            if (v == 0)
            {
                Put(_random.Next(8) == 0 ? "u" : _random.Next(3) == 0 ? "r" : "c", source, lsn, 0, key, [], Values());
                continue;
            }

            switch (_random.Next(8))
            {
                case 0 or 1:
                    Put("d", source, lsn, 0, key, [], _random.Next(2) == 0 ? Values() : new object?[4]);
                    break;
                case 2:
                    Put("d", source, lsn, 0, key, [], new object?[4]);
                    if (_random.Next(3) == 0)
                    {
                        Put("c", source, lsn + (LsnStep / 2), 0, key, [], Values()); // The old key comes to life again.
                    }

                    key = $"k{_seed}.new{_keyChanges++}";
                    Put("c", source, lsn, 1, key, Unavailable(), Values());
                    break;
                default:
                    Put("u", source, lsn, 0, key, _random.Next(2) == 0 ? [] : Unavailable(), Values());
                    break;
            }
        }
    }

    private void Put(string op, string source, long lsn, int part, string? key, string[] unavailable, object?[] values)
    {
        for (var c = 0; c < values.Length; c++)
        {
            if (unavailable.Contains(BankView.Columns[c].Name))
            {
                values[c] = null;
            }
        }

        var row = new ChangeRow(op, source, lsn, part, key, Near(34 * Day, 3), unavailable, values);
        _rows.Add(row);
        if (_random.Next(8) == 0)
        {
            _rows.Add(row);
        }
    }

    private string Source(int index) => $"s{_seed}.{(index < Keys / 2 ? "a" : "b")}";

    private string[] Unavailable() => [.. BankView.Columns.Select(c => c.Name).Where(_ => _random.Next(3) == 0)];

    private object?[] Values() =>
    [
        _random.Next(15) == 0 ? null : $"s{_seed}.u{_random.Next(3)}",
        Amount(),
        _random.Next(6) == 0 ? null : $"v{_random.Next(3)}",
        _random.Next(12) == 0 ? null : Near(30 * Day, 2) - (_random.Next(3) == 0 ? 7 * Day : 0),
    ];

    // A feature time, or one microsecond beside it, as often as any other moment.
    private long Near(long end, int odds) => _random.Next(odds) == 0
        ? _times[_random.Next(_times.Count)] + _random.Next(-1, 2)
        : _random.NextInt64(8 * Day, end);

    private double? Amount() => _random.Next(16) switch
    {
        0 => null,
        1 => _random.Next(4) == 0 ? double.NaN : -0.0,
        2 => 0.0,
        3 => _random.Next(4) switch { 0 => double.PositiveInfinity, 1 => double.NegativeInfinity, 2 => 1e308, _ => 5e-324 },
        < 9 => _random.Next(-3, 4),
        _ => (_random.NextDouble() * 100) - 30,
    };
}
