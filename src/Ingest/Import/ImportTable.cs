using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Import;

/// <summary>
/// What an import fills: its topic, its columns, and which of them are the key (text) and the event time (a timestamp, or a date
/// for its 00:00 UTC).
/// </summary>
public sealed record ImportTable(string Name, string Topic, IReadOnlyList<LakeColumn> Columns, string KeyColumn, string TimeColumn)
{
    private const long MicrosPerDay = 24L * 3600 * 1_000_000;
    private static readonly DateOnly Epoch = new(1970, 1, 1);

    /// <summary>The transactions of the bank example.</summary>
    public static ImportTable Transactions { get; } = new(
        "transactions",
        "bank.public.transactions",
        [
            new("user_id", LakeType.String), new("transaction_id", LakeType.String), new("amount", LakeType.Double),
            new("vendor", LakeType.String), new("sources", LakeType.String), new("time", LakeType.Timestamp),
        ],
        "transaction_id",
        "time");

    /// <summary>The customers of the bank example; the newest row of a user is the user.</summary>
    public static ImportTable Customers { get; } = new(
        "customers",
        "bank.public.customers",
        [
            new("user_id", LakeType.String), new("age", LakeType.Int32), new("gender", LakeType.String),
            new("location", LakeType.String), new("occupation", LakeType.String), new("day_start", LakeType.Date),
        ],
        "user_id",
        "day_start");

    internal static long Micros(DateOnly day) => (day.DayNumber - Epoch.DayNumber) * MicrosPerDay;

    /// <summary>The row's event time in microseconds, or null.</summary>
    internal long? EventMicros(object?[] values) => values[IndexOf(TimeColumn)] switch
    {
        long micros => micros,
        DateOnly day => Micros(day),
        _ => null,
    };

    /// <summary>The row moved by whole weeks; the same row for none.</summary>
    internal object?[] Shifted(object?[] values, int weeks)
    {
        if (weeks == 0)
        {
            return values;
        }

        var index = IndexOf(TimeColumn);
        var shifted = values.ToArray();
        try
        {
            shifted[index] = values[index] switch
            {
                long micros => checked(micros + (7L * weeks * MicrosPerDay)),
                DateOnly day => day.AddDays(checked(7 * weeks)),
                var other => other,
            };
        }
        catch (Exception e) when (e is OverflowException or ArgumentOutOfRangeException)
        {
            throw new ImportException($"A shift of {weeks} weeks moves {TimeColumn} {values[index]} of {Name} out of the years 1 to 9999; choose a smaller one.", e);
        }

        return shifted;
    }

    internal int IndexOf(string column)
    {
        for (var i = 0; i < Columns.Count; i++)
        {
            if (Columns[i].Name == column)
            {
                return i;
            }
        }

        throw new ArgumentException($"The table {Name} has no column '{column}'.", nameof(column));
    }
}

/// <summary>A source file cannot be imported; the message names file, line, column and the way out.</summary>
public sealed class ImportException(string message, Exception? cause = null) : Exception(message, cause);
