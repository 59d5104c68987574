using FeatureStore.Registry.Snapshot;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Registry.Tests.Snapshot;

public sealed class AggregatedJsonTests
{
    private const string Text =
        """{"source":"cdc/t","event_time":"time","window":"7d","empty_window":"zero","aggregations":[{"name":"n","function":"count","column":""}]}""";

    [Fact]
    public void Write_Model_IsTheStoredText() => Assert.Equal(
        Text, AggregatedJson.Write(new AggregatedModel("cdc/t", "time", TimeSpan.FromDays(7), true, [new AggregationModel("n", "count", "")])));

    [Fact]
    public void Read_StoredText_IsTheModel()
    {
        var model = AggregatedJson.Read(Text, "v");
        Assert.Equal(("cdc/t", "time", TimeSpan.FromDays(7), true), (model.SourcePath, model.EventTimeColumn, model.Window, model.EmptyWindowZero));
        Assert.Equal(new AggregationModel("n", "count", ""), Assert.Single(model.Aggregations));
    }

    [Theory]
    [InlineData("7d", "0")]
    [InlineData("7d", "seven")]
    [InlineData("zero", "none")]
    [InlineData("count", "median")]
    [InlineData("\"time\"", "null")]
    [InlineData("\"time\"", "7")]
    [InlineData("event_time", "at")]
    [InlineData("}]}", "}]")]
    [InlineData("[{\"name\":\"n\",\"function\":\"count\",\"column\":\"\"}]", "[]")]
    [InlineData("[{\"name\":\"n\",\"function\":\"count\",\"column\":\"\"}]", "{}")]
    public void Read_Damaged_NamesTheViewAndTheTag(string good, string bad)
    {
        Assert.Contains(good, Text, StringComparison.Ordinal);
        var e = Assert.Throws<RegistryException>(() => AggregatedJson.Read(Text.Replace(good, bad, StringComparison.Ordinal), "weekly"));
        Assert.Contains("weekly", e.Message, StringComparison.Ordinal);
        Assert.Contains("fstore.aggregations", e.Message, StringComparison.Ordinal);
    }
}
