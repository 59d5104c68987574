using Feast.Serving;
using Feast.Types;
using FeatureStore.Client.Answers;
using FeatureStore.Client.Tests.Server;
using Google.Protobuf;
using Grpc.Core;
using Value = Feast.Types.Value;

namespace FeatureStore.Client.Tests.Answers;

public sealed class OnlineFeatureTests
{
    [Fact]
    public void Get_EveryKind_GivesItsType()
    {
        Assert.Equal(-7L, Cell(new Value { Int64Val = -7 }).Get<long>());
        Assert.Equal(-7L, Cell(new Value { Int32Val = -7 }).Get<long>());
        Assert.Equal(7, Cell(new Value { Int32Val = 7 }).Get<int>());
        Assert.Equal(1.5, Cell(new Value { DoubleVal = 1.5 }).Get<double>());
        Assert.Equal(0.1f, (float)Cell(new Value { FloatVal = 0.1f }).Get<double>());
        Assert.Equal(0.1f, Cell(new Value { FloatVal = 0.1f }).Get<float>());
        Assert.True(Cell(new Value { BoolVal = true }).Get<bool>());
        Assert.Equal("Zürich", Cell(new Value { StringVal = "Zürich" }).Get<string>());
        Assert.Equal("1.50", Cell(new Value { DecimalVal = "1.50" }).Get<string>());
        Assert.Equal([1, 2], Cell(new Value { BytesVal = ByteString.CopyFrom(1, 2) }).Get<byte[]>());
        Assert.Equal(DateTimeOffset.UnixEpoch.AddSeconds(5), Cell(new Value { UnixTimestampVal = 5 }).Get<DateTimeOffset>());
        Assert.Equal([1L, 2L], Cell(new Value { Int64ListVal = new Int64List { Val = { 1, 2 } } }).Get<long[]>());
        Assert.Equal(["a"], Cell(new Value { StringListVal = new StringList { Val = { "a" } } }).Get<string[]>());
        Assert.Equal(7, Cell(new Value { Int32Val = 7 }).Get<Value>().Int32Val);
    }

    [Fact]
    public void Get_AnotherType_NamesBoth()
    {
        var cell = Cell(new Value { Int64Val = 7 });
        var error = Assert.Throws<InvalidCastException>(() => cell.Get<string>());
        Assert.Contains("Int64Val", error.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidCastException>(() => cell.Get<int>());
        Assert.Throws<InvalidCastException>(() => cell.Get<double>());
        Assert.False(cell.TryGet<string>(out _));
        Assert.Throws<InvalidCastException>(() => Cell(new Value { UnixTimestampVal = long.MinValue }).Get<DateTimeOffset>());
    }

    [Theory]
    [InlineData(FieldStatus.NullValue)]
    [InlineData(FieldStatus.NotFound)]
    [InlineData(FieldStatus.OutsideMaxAge)]
    public void Get_NotPresent_SaysTheStatusAndNoValue(FieldStatus status)
    {
        var cell = Cell(new Value { Int64Val = 4711 }, status);
        var error = Assert.Throws<InvalidOperationException>(() => cell.Get<long>());
        Assert.Contains(status.ToString(), error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("4711", error.Message + cell, StringComparison.Ordinal);
        Assert.False(cell.TryGet<long>(out _));
        Assert.Equal(-1, cell.GetOrDefault(-1L));
        Assert.Null(cell.GetOrDefault<string>());
    }

    [Fact]
    public void Column_Unknown_ListsThoseThereAre()
    {
        var table = Table(new Value());
        Assert.Contains("f", Assert.Throws<KeyNotFoundException>(() => table["other"]).Message, StringComparison.Ordinal);
        Assert.False(table.TryGetColumn("other", out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => table.Row(1));
    }

    [Fact]
    public void Join_MalformedAnswers_AreRefusedWithAReason()
    {
        var uneven = CannedAnswers.Of(("f", CannedAnswers.Column([new Value(), new Value()])));
        uneven.Results[0].Statuses.RemoveAt(1);
        var unnamed = CannedAnswers.Of(("f", CannedAnswers.Column([new Value(), new Value()])));
        unnamed.Metadata.FeatureNames.Val.Clear();
        var twice = CannedAnswers.Of(("f", CannedAnswers.Column([])), ("f", CannedAnswers.Column([])));
        foreach (var answer in new[] { uneven, unnamed, twice, new GetOnlineFeaturesResponse(), CannedAnswers.Of(("f", CannedAnswers.Column([new Value()]))) })
        {
            Assert.Equal(StatusCode.Internal, Assert.Throws<FeatureStoreException>(() => AnswerJoin.Join([answer], [2])).StatusCode);
        }
    }

    private static OnlineFeature Cell(Value value, FieldStatus status = FieldStatus.Present)
    {
        var answer = CannedAnswers.Of(("f", CannedAnswers.Column([value])));
        answer.Results[0].Statuses[0] = status;
        return AnswerJoin.Join([answer], [1]).Row(0)["f"];
    }

    private static OnlineFeatureTable Table(Value value) => AnswerJoin.Join([CannedAnswers.Of(("f", CannedAnswers.Column([value])))], [1]);
}
