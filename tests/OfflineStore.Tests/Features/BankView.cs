using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;
using ValueType = Feast.Types.ValueType;

namespace FeatureStore.OfflineStore.Tests.Features;

internal static class BankView
{
    public const long Day = 86_400_000_000;

    public static readonly LakeColumn[] Columns =
    [
        new("user_id", LakeType.String), new("amount", LakeType.Double), new("vendor", LakeType.String), new("time", LakeType.Timestamp),
    ];

    public static FeatureViewModel View(bool zero) => new(
        "weekly",
        [new("user_id", ValueType.Types.Enum.String)],
        [
            new("n", ValueType.Types.Enum.Int64), new("total", ValueType.Types.Enum.Double), new("avg", ValueType.Types.Enum.Double),
            new("least", ValueType.Types.Enum.Double), new("most", ValueType.Types.Enum.Double), new("vendors", ValueType.Types.Enum.Int64),
        ],
        TimeSpan.Zero,
        true,
        new SourceModel("weekly", "features/weekly", "event_timestamp", "created_timestamp", new Dictionary<string, string>()),
        new AggregatedModel("cdc/transactions", "time", TimeSpan.FromDays(7), zero,
        [
            new("n", "count", ""), new("total", "sum", "amount"), new("avg", "mean", "amount"),
            new("least", "min", "amount"), new("most", "max", "amount"), new("vendors", "count_distinct", "vendor"),
        ]));
}
