namespace FeatureStore.Generator;

/// <summary>
/// Which synthetic bank: the same options give the same rows, and more days only add rows at the end.
/// </summary>
/// <param name="Users">At least 1.</param>
/// <param name="Days">At least 1; the first begins at <paramref name="FirstDay"/> 00:00 UTC.</param>
public sealed record SyntheticOptions(int Users, int Days, ulong Seed, DateOnly FirstDay)
{
    // Keeps the table of user weights below 100 MB.
    private const int UsersMax = 10_000_000;

    /// <summary>Transactions of an average user on an average day.</summary>
    public double RowsPerUserAndDay { get; init; } = 0.6;

    /// <summary>Share of transactions committed hours or days after they happened.</summary>
    public double LateShare { get; init; } = 0.02;

    /// <summary>Share of transactions that are corrected later.</summary>
    public double UpdateShare { get; init; } = 0.01;

    /// <summary>Share of transactions that are taken back later.</summary>
    public double DeleteShare { get; init; } = 0.005;

    /// <exception cref="ArgumentOutOfRangeException">A number is outside its range.</exception>
    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Users, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Users, UsersMax);
        ArgumentOutOfRangeException.ThrowIfLessThan(Days, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Days, DateOnly.MaxValue.DayNumber - FirstDay.DayNumber);
        CheckRange(RowsPerUserAndDay, 1_000, nameof(RowsPerUserAndDay));
        CheckRange(LateShare, 1, nameof(LateShare));
        CheckRange(UpdateShare, 1, nameof(UpdateShare));
        CheckRange(DeleteShare, 1, nameof(DeleteShare));
    }

    private static void CheckRange(double value, double max, string name)
    {
        // Written so that NaN is refused too.
        if (!(value >= 0 && value <= max))
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} must lie between 0 and {max}.");
        }
    }
}
