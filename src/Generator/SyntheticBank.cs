namespace FeatureStore.Generator;

/// <summary>
/// A synthetic bank: users by Zipf's law, log-normal amounts, a rhythm of days and weeks, and a few late rows, corrections and
/// deletes. Rows are streamed; what is held is one day's rows and the changes still to come of the days before.
/// </summary>
public sealed class SyntheticBank
{
    private const long MicrosPerSecond = 1_000_000;
    private const long MicrosPerHour = 3_600 * MicrosPerSecond;
    private const long MicrosPerDay = 24 * MicrosPerHour;
    private const int LateDaysMax = 7;
    private const int CorrectionDaysMax = 14;
    private const int Vendors = 500;
    private const double UserExponent = 0.8;
    private const double VendorExponent = 1.0;
    private const double AmountMedian = 30;
    private const double AmountSigma = 1.1;
    private const double MovedShare = 0.1;
    private const ulong CustomersPurpose = 1;
    private const ulong DaysPurpose = 2;
    private static readonly DateOnly Epoch = new(1970, 1, 1);

    private static readonly string[] Locations = ["Praha", "Brno", "Ostrava", "Wien", "Linz", "Graz", "Leipzig", "Dresden", "Gdansk", "Poznan"];
    private static readonly string[] Occupations = ["teacher", "nurse", "engineer", "clerk", "farmer", "driver", "cook", "student", "retired"];
    private static readonly string[] Sources = ["card", "online", "transfer", "cash"];

    // From Sunday, as DayOfWeek counts; the mean is 1.
    private static readonly double[] Weekdays = [0.75, 0.9, 0.9, 0.95, 1.0, 1.25, 1.25];
    private static readonly WeightedChoice Hours = new(
        [1, 0.5, 0.4, 0.3, 0.3, 0.6, 2, 4, 6, 6, 6, 7, 9, 8, 6, 6, 7, 9, 10, 9, 7, 5, 3, 2]);

    private static readonly WeightedChoice SourceChoice = new([5, 3, 1.5, 1]);
    private static readonly WeightedChoice VendorChoice = WeightedChoice.Zipf(Vendors, VendorExponent);

    private readonly SyntheticOptions _options;
    private readonly WeightedChoice _users;

    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range.</exception>
    public SyntheticBank(SyntheticOptions options)
    {
        options.Check();
        _options = options;
        _users = WeightedChoice.Zipf(options.Users, UserExponent);
    }

    /// <summary>Every user once, known from the first day on.</summary>
    public IEnumerable<CustomerRow> Customers()
    {
        for (var user = 0; user < _options.Users; user++)
        {
            var random = new SeededRandom(_options.Seed, CustomersPurpose, (ulong)user);
            yield return new CustomerRow(
                UserId(user),
                18 + random.Index(70),
                random.Unit() < 0.5 ? "F" : "M",
                Locations[random.Index(Locations.Length)],
                Occupations[random.Index(Occupations.Length)],
                _options.FirstDay);
        }
    }

    /// <summary>Changes in the order of their commits; what would be committed after the last day is left out.</summary>
    public IEnumerable<TransactionChange> Changes()
    {
        // The sequence makes the order of equal commit times certain; a priority queue alone does not.
        var pending = new PriorityQueue<TransactionChange, (long CommitMicros, long Sequence)>();
        var sequence = 0L;
        for (var day = 0; day < _options.Days; day++)
        {
            foreach (var change in ChangesFrom(day))
            {
                pending.Enqueue(change, (change.CommitMicros, sequence++));
            }

            var end = DayMicros(day + 1);
            while (pending.TryPeek(out _, out var next) && next.CommitMicros < end)
            {
                yield return pending.Dequeue();
            }
        }
    }

    // The whole story of the transactions that happen on one day; it is of no other day's making, so days can be added.
    private IEnumerable<TransactionChange> ChangesFrom(int day)
    {
        var random = new SeededRandom(_options.Seed, DaysPurpose, (ulong)day);
        var date = _options.FirstDay.AddDays(day);
        var mean = _options.Users * _options.RowsPerUserAndDay * Weekdays[(int)date.DayOfWeek];
        var count = (long)(mean + random.Unit());
        for (var index = 0L; index < count; index++)
        {
            var row = Row(day, index, ref random);
            var isLate = random.Unit() < _options.LateShare;
            var delay = isLate ? MicrosPerHour + random.Span((LateDaysMax * MicrosPerDay) - MicrosPerHour) : random.Span(2 * MicrosPerSecond);
            var commit = row.TimeMicros + delay;
            var changes = new List<TransactionChange>(1) { new(ChangeKind.Create, commit, row) };
            if (random.Unit() < _options.UpdateShare)
            {
                (row, commit) = (Corrected(row, ref random), Later(commit, ref random));
                changes.Add(new TransactionChange(ChangeKind.Update, commit, row));
            }

            if (random.Unit() < _options.DeleteShare)
            {
                changes.Add(new TransactionChange(ChangeKind.Delete, Later(commit, ref random), row));
            }

            foreach (var change in changes)
            {
                yield return change;
            }
        }
    }

    private static long Later(long commit, ref SeededRandom random) => commit + 1 + random.Span(CorrectionDaysMax * MicrosPerDay);

    private static double Amount(ref SeededRandom random) => Math.Max(0.01, Math.Round(AmountMedian * Math.Exp(AmountSigma * random.Normal()), 2));

    private static string UserId(int user) => $"u{user:0000000}";

    // Most corrections are of the amount; a few also move the event back, over midnight as it happens.
    private static TransactionRow Corrected(TransactionRow row, ref SeededRandom random) => row with
    {
        Amount = Amount(ref random),
        TimeMicros = random.Unit() < MovedShare ? row.TimeMicros - random.Span(2 * MicrosPerDay) : row.TimeMicros,
    };

    private TransactionRow Row(int day, long index, ref SeededRandom random)
    {
        var user = _users.Pick(ref random);
        var source = Sources[SourceChoice.Pick(ref random)];
        var vendor = VendorChoice.Pick(ref random);
        var time = DayMicros(day) + (Hours.Pick(ref random) * MicrosPerHour) + random.Span(MicrosPerHour);
        return new TransactionRow(UserId(user), $"t{day:00000}-{index:00000000}", Amount(ref random), source == "cash" ? null : $"v{vendor:000}", source, time);
    }

    private long DayMicros(int day) => (_options.FirstDay.DayNumber - Epoch.DayNumber + (long)day) * MicrosPerDay;
}
