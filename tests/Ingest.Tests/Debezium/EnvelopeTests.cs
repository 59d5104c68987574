using System.Text;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Tests.Debezium;

public sealed class EnvelopeTests
{
    private static readonly LakeColumn[] Columns =
    [
        new("id", LakeType.String), new("n", LakeType.Int64), new("i", LakeType.Int32), new("x", LakeType.Double),
        new("b", LakeType.Boolean), new("t", LakeType.Timestamp), new("d", LakeType.Date),
    ];

    private static readonly object?[] Values = ["é\"", 9007199254740993L, -7, 0.1, true, 1793577600000001L, new DateOnly(1969, 12, 31)];

    private readonly EnvelopeReader _reader = new(Columns);

    [Theory]
    [InlineData("c")]
    [InlineData("u")]
    [InlineData("d")]
    [InlineData("r")]
    public void Read_WhatTheWriterWrote_IsTheSameRow(string op)
    {
        foreach (var values in new[] { Values, new object?[Columns.Length], ["", 0L, 0, double.NaN, false, 0L, new DateOnly(1, 1, 1)] })
        {
            var row = Row(op, values);
            var read = _reader.Read(Message(row)).Row!;
            Assert.Equal(row.Values, read.Values);
            Assert.Equal(row with { Values = read.Values, Unavailable = read.Unavailable }, read);
        }
    }

    [Fact]
    public void Read_WithSchema_ReadsThePayload()
    {
        var bare = Encoding.UTF8.GetString(EnvelopeWriter.Write("t", Columns, Row("c", Values)));
        var read = Read($$"""{"schema":{"type":"struct","fields":[{"after":1}]},"payload":{{bare}}}""");
        Assert.Equal(Values, read.Row!.Values);
    }

    [Fact]
    public void Read_MillisecondsOnly_AreTakenAsCommitTime() =>
        Assert.Equal(5_000, Read("""{"after":{"id":"1"},"source":{"name":"s","lsn":1,"ts_ms":5},"op":"c"}""").Row!.CommitTimeMicros);

    [Fact]
    public void Read_UnavailableColumn_IsNamedAndNull()
    {
        var row = Read("""{"after":{"id":"__debezium_unavailable_value","n":1},"source":{"name":"s","lsn":1,"ts_us":5},"op":"u"}""").Row!;
        Assert.Equal(["id"], row.Unavailable);
        Assert.Null(row.Values[0]);
    }

    [Fact]
    public void Read_Tombstone_SaysNothing() => Assert.Equal(default, _reader.Read(new LogMessage([1], null)));

    [Fact]
    public void Read_CreateHalfOfAKeyChange_HasPartOne() =>
        Assert.Equal(1, _reader.Read(Message(Row("c", Values)) with { CreateHalf = true }).Row!.Part);

    [Theory]
    [InlineData("", "")]
    [InlineData("[]", "the event")]
    [InlineData("{}", "op")]
    [InlineData("""{"op":"x","after":{}}""", "'x'")]
    [InlineData("""{"op":"c","source":{"name":"s","lsn":1,"ts_us":1}}""", "after image")]
    [InlineData("""{"op":"c","after":{},"source":{"name":"s","ts_us":1}}""", "source.lsn")]
    [InlineData("""{"op":"c","after":{},"source":{"lsn":1,"ts_us":1}}""", "source.name")]
    [InlineData("""{"op":"c","after":{},"source":{"name":"s","lsn":1}}""", "source.ts_us")]
    [InlineData("""{"op":"c","after":{"n":"text"},"source":{"name":"s","lsn":1,"ts_us":1}}""", "'n'")]
    [InlineData("""{"op":"c","after":{"n":1.5},"source":{"name":"s","lsn":1,"ts_us":1}}""", "")]
    [InlineData("""{"op":"c","after":{"d":2000000000},"source":{"name":"s","lsn":1,"ts_us":1}}""", "'d'")]
    [InlineData("""{"op":"c","after":7,"source":{"name":"s","lsn":1,"ts_us":1}}""", "row image")]
    [InlineData("""{"op":"m"} trailing""", "")]
    public void Read_Malformed_GivesAFaultWithItsReason(string json, string reason)
    {
        var result = Read(json);
        Assert.Null(result.Row);
        Assert.Contains(reason, result.Fault!.Reason, StringComparison.Ordinal);
        Assert.InRange(result.Fault.BytePosition, 0, json.Length);
    }

    [Fact]
    public void Read_MessageWithoutKey_IsAFault() =>
        Assert.Contains("key", _reader.Read(Message(Row("c", Values)) with { Key = null }).Fault!.Reason, StringComparison.Ordinal);

    [Fact]
    public void Read_CutAtEveryByte_IsAFaultAndNeverThrows()
    {
        var whole = Message(Row("u", Values)).Value!;
        for (var length = 0; length < whole.Length; length++)
        {
            Assert.NotNull(_reader.Read(new LogMessage([1], whole[..length])).Fault);
        }
    }

    [Fact]
    public void Read_RandomDamage_NeverThrows()
    {
        var whole = Message(Row("u", Values)).Value!;
        for (var seed = 0; seed < 5_000; seed++)
        {
            var random = new Random(seed);
            var damaged = whole.ToArray();
            for (var n = random.Next(1, 6); n > 0; n--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            var thrown = Record.Exception(() => _reader.Read(new LogMessage([1], damaged)));
            Assert.True(thrown is null, $"seed {seed}: {thrown}");
        }
    }

    private static ChangeRow Row(string op, object?[] values) => new(op, "bank", 42, 0, """{"id":"1"}""", 1793577600000001, [], values);

    private static LogMessage Message(ChangeRow row) => new(EnvelopeWriter.Key("id", "1"), EnvelopeWriter.Write("t", Columns, row));

    private EnvelopeResult Read(string json) => _reader.Read(new LogMessage([1], Encoding.UTF8.GetBytes(json)));
}
