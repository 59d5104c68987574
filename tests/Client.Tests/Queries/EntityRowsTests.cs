namespace FeatureStore.Client.Tests.Queries;

public sealed class EntityRowsTests
{
    [Fact]
    public void Rows_OfEveryType_KeepIt()
    {
        var rows = EntityRows.Of("s", "a").And("i", 7).And("l", 7L).And("b", new byte[] { 1 }).And("t", DateTimeOffset.UnixEpoch.AddSeconds(9));
        var request = OnlineFeaturesQuery.ForService("x", rows).Request(0, 1);
        Assert.Equal("a", request.Entities["s"].Val[0].StringVal);
        Assert.True(request.Entities["i"].Val[0].HasInt32Val);
        Assert.True(request.Entities["l"].Val[0].HasInt64Val);
        Assert.Equal([1], request.Entities["b"].Val[0].BytesVal.ToByteArray());
        Assert.Equal(9, request.Entities["t"].Val[0].UnixTimestampVal);
        Assert.Equal(["s", "i", "l", "b", "t"], rows.JoinKeys);
    }

    [Fact]
    public void FromRows_EqualsColumns()
    {
        var byRow = EntityRows.FromRows(
        [
            new Dictionary<string, EntityValue> { ["driver_id"] = 1L, ["customer_id"] = "c1" },
            new Dictionary<string, EntityValue> { ["customer_id"] = "c2", ["driver_id"] = 2L },
        ]);
        var byColumn = EntityRows.Of("driver_id", 1L, 2L).And("customer_id", ["c1", "c2"]);
        Assert.Equal(OnlineFeaturesQuery.ForService("x", byColumn).Request(0, 2), OnlineFeaturesQuery.ForService("x", byRow).Request(0, 2));
    }

    [Fact]
    public void Rows_ThatCannotBe_AreRefusedWithNamesAndNoValues()
    {
        Assert.Contains("'b' has 1 values", Assert.Throws<ArgumentException>(() => EntityRows.Of("a", "x", "y").And("b", "z")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => EntityRows.Of("a", "x").And("a", "y"));
        Assert.Throws<ArgumentException>(() => EntityRows.Of("", "x"));
        Assert.Throws<ArgumentException>(() => EntityRows.FromRows([]));
        Assert.Throws<InvalidOperationException>(() => EntityRows.Of("a", default(EntityValue)));
        var uneven = Assert.Throws<ArgumentException>(() => EntityRows.FromRows(
            [new Dictionary<string, EntityValue> { ["a"] = "secret" }, new Dictionary<string, EntityValue> { ["b"] = "secret" }]));
        Assert.Contains("Row 1", uneven.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", uneven.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", ((EntityValue)"secret").ToString(), StringComparison.Ordinal);
    }
}
