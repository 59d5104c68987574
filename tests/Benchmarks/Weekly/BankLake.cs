using System.Globalization;
using FeatureStore.Generator;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;
using ValueType = Feast.Types.ValueType;

namespace FeatureStore.Benchmarks.Weekly;

/// <summary>A generated year of the bank in a change table, a commit for each day, as ingest would leave it.</summary>
internal static class BankLake
{
    public const string Changes = "cdc/transactions";
    public const string Features = "features/weekly";
    private const ulong Seed = 20251102;
    private const long MicrosPerDay = 86_400_000_000;
    private static readonly DateOnly FirstDay = new(2025, 1, 5);

    private static readonly LakeColumn[] Columns =
    [
        new("user_id", LakeType.String), new("transaction_id", LakeType.String), new("amount", LakeType.Double),
        new("vendor", LakeType.String), new("sources", LakeType.String), new("time", LakeType.Timestamp),
    ];

    /// <summary>The aggregated view of the worked example.</summary>
    public static FeatureViewModel View { get; } = new(
        "user_weekly",
        [new("user_id", ValueType.Types.Enum.String)],
        [
            new("num_transactions_l1w", ValueType.Types.Enum.Int64), new("total_amount_l1w", ValueType.Types.Enum.Double),
            new("avg_amount_l1w", ValueType.Types.Enum.Double), new("min_amount_l1w", ValueType.Types.Enum.Double),
            new("max_amount_l1w", ValueType.Types.Enum.Double), new("num_vendors_l1w", ValueType.Types.Enum.Int64),
            new("num_sources_l1w", ValueType.Types.Enum.Int64),
        ],
        TimeSpan.Zero,
        true,
        new SourceModel("user_weekly", Features, "event_timestamp", "created_timestamp", new Dictionary<string, string>()),
        new AggregatedModel(Changes, "time", TimeSpan.FromDays(7), true,
        [
            new("num_transactions_l1w", "count", ""), new("total_amount_l1w", "sum", "amount"), new("avg_amount_l1w", "mean", "amount"),
            new("min_amount_l1w", "min", "amount"), new("max_amount_l1w", "max", "amount"),
            new("num_vendors_l1w", "count_distinct", "vendor"), new("num_sources_l1w", "count_distinct", "sources"),
        ]));

    /// <summary>The last weekly feature times; if there are weeks enough, two are left for late changes.</summary>
    public static IReadOnlyList<long> Times(WeeklySettings settings)
    {
        var last = settings.Times <= settings.Weeks - 2 ? settings.Weeks - 2 : settings.Weeks;
        return [.. Enumerable.Range(last - settings.Times + 1, settings.Times).Select(week => DayMicros(week * 7))];
    }

    /// <summary>Writes the lake unless the folder holds it; kept between runs, since it is the same for the same numbers.</summary>
    /// <returns>Change rows in it.</returns>
    public static long Ensure(WeeklySettings settings, CancellationToken cancellationToken)
    {
        var days = settings.Weeks * 7;
        var table = ChangeTable.Open(settings.Folder, Changes, Columns);
        if (table.TxnVersion("generator") is { } done && done > days)
        {
            return table.TxnVersion("rows")!.Value;
        }

        var options = new SyntheticOptions(settings.Users, days, Seed, FirstDay) { RowsPerUserAndDay = (double)settings.Rows / settings.Users / days };
        long lsn = 0;
        var day = 0;
        var batch = new List<ChangeRow>();
        foreach (var change in new SyntheticBank(options).Changes())
        {
            for (; change.CommitMicros >= DayMicros(day + 1); day++)
            {
                table.Append(batch, new LakeTxn("generator", day + 1), cancellationToken);
                batch.Clear();
            }

            batch.Add(Row(change, ++lsn));
        }

        table.Append(batch, new LakeTxn("generator", days), cancellationToken);
        table.Append([], new LakeTxn("rows", lsn), cancellationToken);
        table.Append([], new LakeTxn("generator", days + 1), cancellationToken);
        return lsn;
    }

    private static ChangeRow Row(TransactionChange change, long lsn)
    {
        var op = change.Kind switch { ChangeKind.Create => "c", ChangeKind.Update => "u", _ => "d" };
        var row = change.Row;
        return new ChangeRow(
            op, "bank", lsn, 0, string.Create(CultureInfo.InvariantCulture, $$"""{"transaction_id":"{{row.TransactionId}}"}"""), change.CommitMicros, [],
            [row.UserId, row.TransactionId, row.Amount, row.Vendor, row.Sources, row.TimeMicros]);
    }

    private static long DayMicros(int day) => (FirstDay.DayNumber - new DateOnly(1970, 1, 1).DayNumber + (long)day) * MicrosPerDay;
}
