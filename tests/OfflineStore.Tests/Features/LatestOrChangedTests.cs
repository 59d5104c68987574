using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.OfflineStore.Tests.Features;

/// <summary>An incremental reading finds what came late, in a feature table and in a change table.</summary>
public sealed class LatestOrChangedTests : IDisposable
{
    private const long Day = 86_400_000_000;
    private const string Source = "cdc/transactions";

    private static readonly LakeColumn[] Columns = [new("user_id", LakeType.String), new("amount", LakeType.Double), new("time", LakeType.Timestamp)];

    private static readonly FeatureViewModel Weekly = View("features/weekly", "event_timestamp", "created_timestamp") with
    {
        Features = [new FieldModel("total", Kind.Double)],
        Aggregated = new AggregatedModel(Source, "time", TimeSpan.FromDays(7), true, [new AggregationModel("total", "sum", "amount")]),
    };

    private static readonly FeatureViewModel Plain = View(Source, "time", null) with { Features = [new FieldModel("amount", Kind.Double)] };

    private readonly string _root = Directory.CreateTempSubdirectory("changed").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void LatestOrChanged_LateRowBeforeTheStart_BringsItsEntityAlone()
    {
        Append(1, Row("c", 1, "t1", "ann", 10, 6 * Day), Row("c", 2, "t2", "bob", 5, 6 * Day), Row("c", 3, "t3", "cid", 1, 13 * Day));
        var weekly = new WeeklyFeatures(_root);
        weekly.Compute(Weekly, [7 * Day, 14 * Day], CancellationToken.None);
        var reader = new FeatureReader(_root, 3);
        var (features, changes) = (reader.TableVersion(Weekly, CancellationToken.None)!.Value, reader.TableVersion(Plain, CancellationToken.None)!.Value);
        Assert.Empty(Read(Weekly, 15 * Day, features));
        Assert.Equal(["ann", "bob", "cid"], Read(Weekly, 14 * Day, features));

        Append(2, Row("u", 4, "t1", "ann", 20, 6 * Day));
        weekly.Compute(Weekly, [7 * Day], CancellationToken.None);
        Assert.Equal(["ann"], Read(Weekly, 15 * Day, features));
        Assert.Equal(["ann"], Read(Plain, 15 * Day, changes));

        // Moved to another user: the one it left and the one it came to.
        Append(3, Row("u", 5, "t2", "dan", 5, 6 * Day));
        Assert.Equal(["bob", "dan"], Read(Plain, 15 * Day, changes + 1));
        Append(4, Row("t", 6, null, null, null, null));
        Assert.Equal(["ann", "bob", "cid", "dan"], Read(Plain, 15 * Day, changes + 2));
    }

    [Fact]
    public void Compute_StatisticsThatNobodyCanRead_LeavesNoRowOut()
    {
        Append(1, Row("c", 1, "t1", "ann", 10, 6 * Day), Row("c", 2, "t2", "bob", 5, 6 * Day));
        var commit = Directory.GetFiles(Path.Combine(_root, Source, "_delta_log"), "*.json").Single();
        var text = File.ReadAllText(commit);
        var damaged = text.Replace("\"stats\":\"{", "\"stats\":\"", StringComparison.Ordinal);
        Assert.NotEqual(text, damaged);
        File.WriteAllText(commit, damaged);

        new WeeklyFeatures(_root).Compute(Weekly, [7 * Day], CancellationToken.None);
        Assert.Equal(["ann", "bob"], Read(Weekly, 7 * Day, 99));
    }

    [Fact]
    public void LatestOrChanged_SinceAVersionOfAnotherTable_BringsAll()
    {
        Append(1, Row("c", 1, "t1", "ann", 10, 6 * Day));
        Assert.Equal(["ann"], Read(Plain, 15 * Day, 99));
    }

    private static FeatureViewModel View(string path, string time, string? created) => new(
        "v", [new FieldModel("user_id", Kind.String)], [], TimeSpan.Zero, true, new SourceModel("s", path, time, created, new Dictionary<string, string>()), null);

    private static ChangeRow Row(string op, long lsn, string? key, string? user, double? amount, long? time) =>
        new(op, "s", lsn, 0, key is null ? null : $"{{\"transaction_id\":\"{key}\"}}", (lsn < 4 ? lsn : 20 + lsn) * Day, [], [user, amount, time]);

    private void Append(long txn, params ChangeRow[] rows) =>
        ChangeTable.Open(_root, Source, Columns).Append(rows, new LakeTxn("a", txn), CancellationToken.None);

    private List<string> Read(FeatureViewModel view, long start, long since) =>
    [
        .. new FeatureReader(_root, 3).LatestOrChanged(view, start, 40 * Day, since, 10, CancellationToken.None).SelectMany(b => b)
            .Select(r => System.Text.Encoding.UTF8.GetString(r.EntityKey.AsSpan()[^3..])).Order(),
    ];
}
