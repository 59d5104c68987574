using Feast.Serving;
using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Metrics;
using FeatureStore.Serving.Retrieval;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Serving.Tests.Retrieval;

public sealed class JoinKeyAliasTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Read_AliasThatIsAnotherViewsJoinKey_ReadsEachUnderItsOwn(bool aliasFirst)
    {
        var store = new FixedStore();
        Put(store, "places", "loc_id", 1);
        Put(store, "routes", "origin_id", 2);
        ProjectionModel[] projections =
        [
            new("places", "origin", ["f"], new Dictionary<string, string> { ["loc_id"] = "origin_id" }),
            new("routes", "routes", ["f"], new Dictionary<string, string>()),
        ];
        var snapshot = new RegistrySnapshot(
            "bank",
            3,
            new Dictionary<string, FeatureViewModel> { ["places"] = View("places", "loc_id"), ["routes"] = View("routes", "origin_id") },
            new Dictionary<string, FeatureServiceModel> { ["s"] = new("s", aliasFirst ? projections : [.. projections.Reverse()]) });
        var reader = new OnlineFeatureReader(store, new FixedTime { Now = Now }, new RetrievalLimits(), StatusPolicy.Strict, new ServingMetrics());

        var answer = await reader.ReadAsync(
            new PlanCompiler(snapshot, StatusPolicy.Strict).Service("s"),
            [new EntityColumn("origin_id", [new Value { StringVal = "x" }])],
            fullFeatureNames: true,
            CancellationToken.None);

        var byName = answer.Features.ToDictionary(c => c.Name);
        Assert.Equal((FieldStatus.Present, FieldStatus.Present), (byName["origin__f"].Statuses[0], byName["routes__f"].Statuses[0]));
        Assert.Equal(ValueBytes.Int64(1), byName["origin__f"].Value(0).ToArray());
        Assert.Equal(ValueBytes.Int64(2), byName["routes__f"].Value(0).ToArray());
    }

    private static FeatureViewModel View(string name, string joinKey) => new(
        name,
        [new FieldModel(joinKey, Kind.String)],
        [new FieldModel("f", Kind.Int64)],
        TimeSpan.Zero,
        true,
        new SourceModel(name, name, "event_timestamp", null, new Dictionary<string, string>()),
        null);

    private static void Put(FixedStore store, string view, string joinKey, long value)
    {
        var key = EntityKeyEncoder.Encode([(joinKey, new Value { StringVal = "x" })], 3);
        store.Rows[(view, Convert.ToHexString(key))] =
            new EncodedRow(key, Now.ToUnixTimeMilliseconds() * 1000, null, [ValueBytes.Int64(value)]);
    }
}
