using FeatureStore.OfflineStore.DataSets;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.PointInTime;
using FeatureStore.OfflineStore.Tests.Features;
using FeatureStore.OfflineStore.Tests.PointInTime;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.OfflineStore.Tests.DataSets;

/// <summary>The example that docs/training.md works by hand.</summary>
public sealed class WorkedExampleTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("example").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData(KnownTime.Commit, 0, "10|15|15", 1)]
    [InlineData(KnownTime.Commit, 2, "null|10|15", 2)]
    [InlineData(KnownTime.Event, 0, "15|15|15", 1)]
    public void Export_ALateTransaction_CountsFromWhenItWasKnown(KnownTime known, int afterDays, string totals, long leaking)
    {
        ChangeTable.Open(_root, "cdc/transactions", BankView.Columns).Append(
            [
                new ChangeRow("c", "s", 1, 0, "t1", Micros(10, 28), [], ["u1", 10.0, "v", Micros(10, 28)]),
                new ChangeRow("c", "s", 2, 0, "t2", Micros(11, 4), [], ["u1", 5.0, "v", Micros(10, 30)]),
            ],
            new LakeTxn("test", 1),
            CancellationToken.None);
        new WeeklyFeatures(_root).Compute(BankView.View(zero: true), [Micros(11, 2)], CancellationToken.None);
        File.WriteAllText(Path.Combine(_root, "labels.csv"), "user_id,event_timestamp\nu1,2026-11-03\nu1,2026-11-05\nu1,2026-11-06\n");
        var snapshot = new RegistrySnapshot("p", 3, new Dictionary<string, FeatureViewModel> { ["weekly"] = BankView.View(zero: true) }, new Dictionary<string, FeatureServiceModel>());
        var rules = JoinRules.Default with { KnownTime = known, AvailableAfter = TimeSpan.FromDays(afterDays) };
        var request = new TrainingRequest(new LabelInput(Path.Combine(_root, "labels.csv"), null, null), ["weekly:total"], null, false, rules, new Dictionary<string, long>());

        var manifest = new TrainingExport(_root).Run(snapshot, request, DataSetTarget.Of(Path.Combine(_root, "out.parquet")), CancellationToken.None);

        Assert.Equal(totals, string.Join('|', DataSetRows.Read(Path.Combine(_root, "out.parquet")).Rows.Select(r => r.Split('|')[2])));
        Assert.Equal(leaking, manifest.Leakage.Labels);
    }

    private static long Micros(int month, int day) => (new DateTimeOffset(2026, month, day, 0, 0, 0, TimeSpan.Zero) - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
