using FeatureStore.OfflineStore.DataSets;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Training.XGBoost;

namespace FeatureStore.Training.Tests;

/// <summary>The bank's weekly table with labels of 1993, counted independently of this code; where it comes from stands in tests/Cli.Tests/Golden.</summary>
internal static class BankData
{
    public static readonly string[] Weekly =
    [
        "num_transactions_l1w", "total_amount_l1w", "avg_amount_l1w", "min_amount_l1w", "max_amount_l1w", "num_vendors_l1w", "num_sources_l1w",
    ];

    public static string Train => Path.Combine(AppContext.BaseDirectory, "berka", "train.csv.gz");

    public static string Test => Path.Combine(AppContext.BaseDirectory, "berka", "test.csv.gz");

    public static DateTimeOffset TestFrom => new(1993, 10, 25, 0, 0, 0, TimeSpan.Zero);

    public static DataSetReader Open() => DataSetReader.Open(Train, LakeOptions.Default, CancellationToken.None, [Train, Test]);

    public static TrainingOptions Options(TrainingTask task = TrainingTask.Binary, string label = "label_large_outflow") =>
        new(task, label, "event_timestamp", ["account_id"], [.. Weekly.Select(f => new TrainingFeature(f, f))]) { TestFrom = TestFrom, LabelWindow = TimeSpan.FromDays(7) };

    /// <summary>Skips at a desk without the native library, and fails where everything must run.</summary>
    public static void NeedXgboost()
    {
        var there = XgbLibrary.IsThere(out var reason);
        Assert.True(there || Environment.GetEnvironmentVariable("CI") is null or "", reason);
        Skip.IfNot(there, reason);
    }
}
