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

    private static readonly byte[] Key = EnvelopeWriter.Key("id", "1");

    private readonly EnvelopeReader _reader = new(Columns);

    // Of a snapshot's row no commit was streamed before.
    [Theory]
    [InlineData("""[null,"9"]""", null)]
    [InlineData("""["5","9"]""", 5L)]
    [InlineData("""["5",null]""", 5L)]
    [InlineData("""["5"]""", 5L)]
    [InlineData("", null)]
    public void First_OfASequence_IsTheCommitBeforeOrNone(string sequence, long? commit) => Assert.Equal(commit, EnvelopeSource.First(sequence));

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
    public void Read_Tombstone_SaysNothing() => Assert.Equal(default, _reader.Read(new LogMessage(Key, null)));

    [Fact]
    public void Read_TombstoneInAnEnclosingObject_SaysNothing() =>
        Assert.Equal(default, Read("""{"schema":{"type":"struct"},"payload":null}"""));

    [Fact]
    public void Read_NumberForText_IsTakenAsWritten() =>
        Assert.Equal("7", Read("""{"after":{"id":7},"source":{"name":"s","lsn":1,"ts_us":5},"op":"c"}""").Row!.Values[0]);

    [Theory]
    [InlineData("2024-02-29T12:34:56.789012Z", 1_709_210_096_789_012)]
    [InlineData("2024-02-29T12:34:56Z", 1_709_210_096_000_000)]
    [InlineData("2024-02-29T14:34:56+02:00", 1_709_210_096_000_000)]
    [InlineData("1969-12-31T23:59:59.999999Z", -1)]
    public void Read_IsoTextForTimestamp_IsMicroseconds(string text, long micros) =>
        Assert.Equal(micros, Read($$"""{"after":{"t":"{{text}}"},"source":{"name":"s","lsn":1,"ts_us":5},"op":"c"}""").Row!.Values[5]);

    [Theory]
    [InlineData("""{"id":"1"}""")]
    [InlineData("""{ "id" : "1" }""")]
    [InlineData("""{"id":"\u0031"}""")]
    [InlineData("""{"schema":{"type":"struct"},"payload":{"id":"1"}}""")]
    [InlineData("""{"payload":{"id":"1"},"schema":{"type":"struct"}}""")]
    public void Read_AnyFormOfAKey_IsOneText(string key) =>
        Assert.Equal("""{"id":"1"}""", _reader.Read(Message(Row("c", Values)) with { Key = Encoding.UTF8.GetBytes(key) }).Row!.Key);

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("{\"id\":")]
    [InlineData("{\"id\":\"\\ud800\"}")]
    public void Read_MalformedKey_IsAFault(string key) =>
        Assert.Contains("key", _reader.Read(Message(Row("c", Values)) with { Key = Encoding.UTF8.GetBytes(key) }).Fault!.Reason, StringComparison.Ordinal);

    [Fact]
    public void Read_DamageOnALaterLine_IsPlacedFromTheStartOfTheValue()
    {
        var fault = Read("{\n\n  \"op\": !}").Fault!;
        Assert.Equal(11, fault.BytePosition);
    }

    [Fact]
    public void Read_IncrementalSnapshotRow_IsAFaultThatSaysWhatToDo() =>
        Assert.Contains("blocking", Read("""{"after":{},"source":{"name":"s","lsn":null,"ts_us":1},"op":"r"}""").Fault!.Reason, StringComparison.Ordinal);

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
    public void Read_RowsWithoutAKey_AreToldApartByTheirOrdinalAndKnownByTheirValues()
    {
        const string Text = """{"before":BEFORE,"after":{"id":"1","x":1.5,"n":null},"source":{"name":"s","lsn":7,"ts_us":5},"op":"OP"}""";
        EnvelopeResult Keyless(string op, string before) => _reader.Read(new LogMessage(null, Encoding.UTF8.GetBytes(Text.Replace("OP", op, StringComparison.Ordinal).Replace("BEFORE", before, StringComparison.Ordinal))));

        var (first, second) = (Keyless("c", "null").Row!, Keyless("c", "null").Row!);
        Assert.Equal(first.Key, second.Key);
        Assert.NotEqual(first.Part, second.Part);
        var update = Keyless("u", """{"id":"1","x":0.5}""");
        Assert.Equal(("d", "c"), (update.Row!.Op, update.Second!.Op));
        Assert.Equal(first.Key, update.Second.Key);
        Assert.NotEqual(first.Key, update.Row.Key);
        Assert.Contains("REPLICA IDENTITY FULL", Keyless("u", "null").Fault!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_CutAtEveryByte_IsAFaultAndNeverThrows()
    {
        var whole = Message(Row("u", Values)).Value!;
        for (var length = 0; length < whole.Length; length++)
        {
            Assert.NotNull(_reader.Read(new LogMessage(Key, whole[..length])).Fault);
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

            var thrown = Record.Exception(() => _reader.Read(new LogMessage(Key, damaged)));
            Assert.True(thrown is null, $"seed {seed}: {thrown}");
        }
    }

    private static ChangeRow Row(string op, object?[] values) => new(op, "bank", 42, 0, """{"id":"1"}""", 1793577600000001, [], values);

    private static LogMessage Message(ChangeRow row) => new(EnvelopeWriter.Key("id", "1"), EnvelopeWriter.Write("t", Columns, row));

    private EnvelopeResult Read(string json) => _reader.Read(new LogMessage(Key, Encoding.UTF8.GetBytes(json)));
}
