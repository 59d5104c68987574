using FeatureStore.Registry.Definitions;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Registry.Tests.Definitions;

public sealed class FieldTypesTests
{
    [Fact]
    public void TryParse_EveryKind_ReadsBothItsNames()
    {
        foreach (var kind in Enum.GetValues<Kind>().Except([Kind.Invalid, Kind.Null]))
        {
            Assert.True(FieldTypes.TryParse(FieldTypes.Text(kind), out var python) && python == kind, kind.ToString());
            var proto = Feast.Types.ValueReflection.Descriptor.FindTypeByName<Google.Protobuf.Reflection.MessageDescriptor>("ValueType").EnumTypes[0].FindValueByNumber((int)kind).Name;
            Assert.True(FieldTypes.TryParse(proto, out var named) && named == kind, proto);
        }
    }

    [Theory]
    [InlineData("array(int64)", Kind.Int64List)]
    [InlineData("Set( String )", Kind.StringSet)]
    [InlineData("Array(Set(Int32))", Kind.ValueList)]
    [InlineData("Set(Array(Array(Bytes)))", Kind.ValueSet)]
    [InlineData("Array(Map)", Kind.MapList)]
    [InlineData("PdfBytes", Kind.Bytes)]
    public void TryParse_Written_IsTheKind(string text, Kind kind)
    {
        Assert.True(FieldTypes.TryParse(text, out var parsed));
        Assert.Equal(kind, parsed);
    }

    [Theory]
    [InlineData("Set(Map)")]
    [InlineData("Set(Json)")]
    [InlineData("Array(ScalarMap)")]
    [InlineData("Array(Int64")]
    [InlineData("Array()")]
    [InlineData("Int64)")]
    [InlineData("Money")]
    [InlineData("")]
    public void TryParse_NoType_IsRefused(string text) => Assert.False(FieldTypes.TryParse(text, out _));

    [Fact]
    public void TryParse_NestedBeyondReason_IsRefused() =>
        Assert.False(FieldTypes.TryParse(string.Concat(Enumerable.Repeat("Array(", 100_000)) + "Int64" + new string(')', 100_000), out _));
}
