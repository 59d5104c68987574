using FeatureStore.Registry.Expressions;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Scoring.Store;
using Type = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Scoring.Tests.Store;

public sealed class ServedFeaturesTests
{
    [Fact]
    public void Of_Service_ListsItsFeaturesInOrder() => Assert.Equal(["total", "count"], ServedFeatures.Of(Snapshot(), "weekly").Features);

    [Fact]
    public void Of_SameDefinitions_IsTheSameFingerprint() => Assert.Equal(ServedFeatures.Of(Snapshot(), "weekly").Fingerprint, ServedFeatures.Of(Snapshot(ttlDays: 14), "weekly").Fingerprint);

    [Theory]
    [InlineData("mean", 7, "total")]
    [InlineData("sum", 14, "total")]
    [InlineData("sum", 7, "count")]
    public void Of_DefinitionThatChangesValues_IsAnotherFingerprint(string function, int days, string first) =>
        Assert.NotEqual(ServedFeatures.Of(Snapshot(), "weekly").Fingerprint, ServedFeatures.Of(Snapshot(function, days, first), "weekly").Fingerprint);

    [Fact]
    public void Of_UnknownService_SaysWhichThereAre() =>
        Assert.Contains("it has weekly", Assert.Throws<ModelStoreException>(() => ServedFeatures.Of(Snapshot(), "daily")).Message, StringComparison.Ordinal);

    [Fact]
    public void Of_OnDemandView_StandsAfterWhatIsStoredAndIsPartOfTheFingerprint()
    {
        var (one, other) = (ServedFeatures.Of(WithExpression("amount / total"), "ratios"), ServedFeatures.Of(WithExpression("total / amount"), "ratios"));
        Assert.Equal(["total", "share"], one.Features);
        Assert.Equal([Type.Double, Type.Double], one.Types);
        Assert.NotEqual(one.Fingerprint, other.Fingerprint);
        Assert.Equal(one.Fingerprint, ServedFeatures.Of(WithExpression("amount / total"), "ratios").Fingerprint);
    }

    private static RegistrySnapshot WithExpression(string text)
    {
        var snapshot = Snapshot();
        var none = new Dictionary<string, string>();
        ExpressionInput[] inputs = [new("weekly_view", new FieldModel("total", Type.Double)), new(null, new FieldModel("amount", Type.Double))];
        var share = new FieldModel("share", Type.Double);
        var view = new OnDemandFeatureViewModel("ratio", [share], [], ["weekly_view"], null)
        {
            Expressions = new ExpressionViewModel([new ProjectionModel("weekly_view", "weekly_view", ["total"], none)], inputs, [new ExpressionFeature(share, text, ExpressionText.Compile(text, Type.Double, inputs))]),
        };
        var service = new FeatureServiceModel("ratios", [new ProjectionModel("ratio", "ratio", ["share"], none), new ProjectionModel("weekly_view", "weekly_view", ["total"], none)]);
        return snapshot with
        {
            OnDemandFeatureViews = new Dictionary<string, OnDemandFeatureViewModel> { ["ratio"] = view },
            FeatureServices = new Dictionary<string, FeatureServiceModel> { ["ratios"] = service },
        };
    }

    private static RegistrySnapshot Snapshot(string function = "sum", int days = 7, string first = "total", int ttlDays = 7)
    {
        var aggregated = new AggregatedModel("cdc/transactions", "time", TimeSpan.FromDays(days), true, [new AggregationModel("total", function, "amount"), new AggregationModel("count", "count", "amount")]);
        var view = new FeatureViewModel(
            "weekly_view", [new FieldModel("user_id", Type.String)], [new FieldModel("total", Type.Double), new FieldModel("count", Type.Int64)], TimeSpan.FromDays(ttlDays), true,
            new SourceModel("features", "features", "event_timestamp", null, new Dictionary<string, string>()), aggregated);
        string[] features = first == "total" ? ["total", "count"] : ["count", "total"];
        var service = new FeatureServiceModel("weekly", [new ProjectionModel("weekly_view", "weekly_view", features, new Dictionary<string, string>())]);
        return new RegistrySnapshot("bank", 3, new Dictionary<string, FeatureViewModel> { [view.Name] = view }, new Dictionary<string, FeatureServiceModel> { [service.Name] = service });
    }
}
