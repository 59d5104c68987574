using System.Text;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Import;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Tests.Debezium;

/// <summary>Whatever comes, the answer is a row, nothing or a fault with its place; and what lands can always be read again.</summary>
public sealed class HostileEnvelopeTests : IDisposable
{
    private const string Whole =
        """{"before":{"id":"0"},"after":{"user_id":7,"transaction_id":"t","amount":"NaN","vendor":"v","sources":null,"time":1754000000000000},"source":{"name":"s","sequence":"[null,\"9\"]","lsn":9,"ts_ms":5,"ts_us":5000},"op":"u"}""";

    private static readonly IReadOnlyList<LakeColumn> Columns = ImportTable.Transactions.Columns;
    private static readonly byte[] Key = """{"transaction_id":"t"}"""u8.ToArray();

    // What may stand where another value stood: every JSON type, numbers at the edges, text that is no text.
    private static readonly string[] Values =
    [
        "null", "true", "0", "-1", "1.5", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e400", "1E-400", "\"\"", "\"x\"", "\"\\ud800\"", "\"\\u0000\"",
        "{}", "[]", "[{}]", "{\"scale\":2,\"value\":\"AQ==\"}", "{\"scale\":99999,\"value\":\"AQ==\"}", "{\"year\":2024}", "{\"specialValue\":\"POSITIVE_INFINITY\"}", "\"+99999-01-01T00:00:00Z\"", "\"infinity\"",
    ];

    private readonly string _root = Directory.CreateTempSubdirectory("hostile").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Ingest_EachValueByEachOther_LandsOrIsADeadLetterAndTheTableStaysReadable()
    {
        var messages = Mutations().Select(m => new LogMessage(Key, Encoding.UTF8.GetBytes(m))).ToList();
        messages.AddRange(Values.Select(v => new LogMessage(Encoding.UTF8.GetBytes(v), Encoding.UTF8.GetBytes(Whole))));
        Assert.True(messages.Count > 300, $"only {messages.Count} mutations");
        foreach (var keys in new string[]?[] { null, [], ["transaction_id"] })
        {
            var (landed, rows) = Land($"keys{keys?.Length}", messages, new EnvelopeOptions { KeyColumns = keys });
            Assert.True(landed.Rows > 20 && landed.DeadLetters > 100, $"{landed}");
            Assert.NotEmpty(rows);
        }
    }

    [Fact]
    public void Read_LargeMessage_IsReadOrRefusedWithinItsSize()
    {
        var text = new string('x', 5_000_000);
        var reader = new EnvelopeReader(Columns);
        Assert.Equal(text, Read(reader, Whole.Replace("\"v\"", $"\"{text}\"", StringComparison.Ordinal)).Row!.Values[3]);
        var op = Read(reader, Whole.Replace("\"op\":\"u\"", $"\"op\":\"{text}\"", StringComparison.Ordinal)).Fault!;
        Assert.True(op.Reason.Length < 100, "the reason holds the message");
        Assert.NotNull(Read(reader, $"{Whole[..^1]},\"more\":\"{text}").Fault);
        Assert.Equal("$.after.amount", Read(reader, Whole.Replace("\"NaN\"", $"\"{new string('9', 5_000_001)}\"", StringComparison.Ordinal)).Fault!.Path);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(100)]
    [InlineData(100_000)]
    public void Read_DeepNesting_IsPassedOverOrAFault(int depth)
    {
        var deep = new string('[', depth) + new string(']', depth);
        var reader = new EnvelopeReader(Columns);
        foreach (var text in new[] { $"{Whole[..^1]},\"more\":{deep}}}", deep, Whole.Replace("\"v\"", deep, StringComparison.Ordinal) })
        {
            var read = Read(reader, text);
            Assert.True(read.Row is not null || read.Fault is not null);
            Assert.True(depth < 64 || text == deep || read.Fault is { Reason: "nested too deep" }, read.Fault?.Reason);
        }
    }

    [Fact]
    public void Read_NoUtf8_IsAFaultWithItsPlace()
    {
        var bytes = Encoding.UTF8.GetBytes(Whole);
        var vendor = Whole.IndexOf("\"v\"", StringComparison.Ordinal) + 1;
        foreach (var bad in new byte[] { 0xff, 0xc0, 0x80, 0xed })
        {
            bytes[vendor] = bad;
            var fault = new EnvelopeReader(Columns).Read(new LogMessage(Key, bytes)).Fault!;
            Assert.Equal("$.after.vendor", fault.Path);
            Assert.InRange(fault.BytePosition, vendor - 1, vendor + 1);
        }
    }

    [Theory]
    [InlineData("schema")]
    [InlineData("flat_default")]
    [InlineData("flat_rewrite")]
    [InlineData("json")]
    public void Read_RecordedMessageCutAtEachByte_IsAFault(string run)
    {
        var reader = new EnvelopeReader(Columns, new EnvelopeOptions { Source = "s" });
        var messages = RecordedTopics.Of(run)["public.transactions"].Where(r => r.Message.Value is not null).Select(r => r.Message).DistinctBy(m => m.Value!.Length).Take(4);
        foreach (var message in messages)
        {
            for (var length = 0; length < message.Value!.Length; length++)
            {
                Assert.True(reader.Read(message with { Value = message.Value[..length] }).Fault is not null, $"{run}, cut at {length}");
            }
        }
    }

    [Theory]
    [InlineData("schema")]
    [InlineData("flat_rewrite")]
    [InlineData("snapshot_overlap")]
    public void Read_RecordedMessagesWithBytesChanged_NeverThrow(string run)
    {
        var messages = RecordedTopics.Of(run)["public.transactions"].Where(r => r.Message.Value is not null).Select(r => r.Message).Take(50).ToList();
        for (var seed = 0; seed < 5_000; seed++)
        {
            var random = new Random(seed);
            var message = messages[random.Next(messages.Count)];
            var (key, value) = (message.Key!.ToArray(), message.Value!.ToArray());
            for (var n = random.Next(1, 6); n > 0; n--)
            {
                (random.Next(4) == 0 ? key : value)[random.Next(key.Length)] = (byte)random.Next(256);
                value[random.Next(value.Length)] = (byte)random.Next(256);
            }

            var thrown = Record.Exception(() => new EnvelopeReader(Columns, new EnvelopeOptions { KeyColumns = random.Next(2) == 0 ? null : ["transaction_id"] }).Read(message with { Key = key, Value = value }));
            Assert.True(thrown is null, $"seed {seed}: {thrown}");
        }
    }

    [Fact]
    public void Replay_AfterAFix_LandsOnceHoweverOftenItRuns()
    {
        var millis = Whole.Replace("1754000000000000", "1754000000000", StringComparison.Ordinal);
        LogMessage[] messages = [.. Enumerable.Range(1, 5).Select(i => new LogMessage(Encoding.UTF8.GetBytes($$"""{"transaction_id":"t{{i}}"}"""), Encoding.UTF8.GetBytes(i == 3 ? "no" : millis)))];
        Assert.Equal(5, Land("fix", messages, EnvelopeOptions.Default).Landed.DeadLetters);
        using var log = EmbeddedChangeLog.Open(Path.Combine(_root, "fix.db"));
        var right = new EnvelopeOptions { Times = new Dictionary<string, TimeKind> { ["time"] = TimeKind.Milliseconds } };
        var table = ChangeTable.Open(_root, "fix", Columns);
        var replay = new LetterReplay(log, log.Topic("fix"), Columns, table, options: right);
        Assert.Equal((4, 1), Result(replay.Run(3, CancellationToken.None)));
        var rows = Rows("fix");
        Assert.Equal((0, 1), Result(replay.Run(3, CancellationToken.None)));
        Assert.Equal(rows, Rows("fix"));
        Assert.Equal(4, rows.Count);
    }

    private static (long, long) Result(IngestResult result) => (result.Rows, result.DeadLetters);

    private static EnvelopeResult Read(EnvelopeReader reader, string text) => reader.Read(new LogMessage(Key, Encoding.UTF8.GetBytes(text)));

    // Each value of the event, found by its colon, gives its place to each other; so does each member by being left out.
    private static IEnumerable<string> Mutations()
    {
        for (var colon = Whole.IndexOf(':', StringComparison.Ordinal); colon >= 0; colon = Whole.IndexOf(':', colon + 1))
        {
            var end = Whole[colon + 1] is '{' ? Whole.IndexOf('}', colon) + 1 : Whole[colon + 1] is '"' && Whole[colon + 2] is '[' ? Whole.IndexOf("]\"", colon, StringComparison.Ordinal) + 2 : Whole.IndexOfAny([',', '}'], colon);
            foreach (var value in Values)
            {
                yield return Whole[..(colon + 1)] + value + Whole[end..];
            }

            var name = Whole.LastIndexOf('"', Whole.LastIndexOf('"', colon) - 1);
            yield return string.Concat(Whole.AsSpan(0, name), "\"gone\"", Whole.AsSpan(colon));
        }
    }

    private (IngestResult Landed, List<string> Rows) Land(string name, IReadOnlyList<LogMessage> messages, EnvelopeOptions options)
    {
        using var log = EmbeddedChangeLog.Open(Path.Combine(_root, $"{name}.db"));
        log.Append(log.Topic(name), messages);
        var landed = new IngestRunner(log, log.Topic(name), Columns, ChangeTable.Open(_root, name, Columns), options: options).Run(64, null, CancellationToken.None);
        return (landed, Rows(name));
    }

    private List<string> Rows(string table) => File.Exists(Path.Combine(_root, table)) || Directory.Exists(Path.Combine(_root, table))
        ? [.. new SourceRows(_root).KnownAt(table, SourceRows.Now, CancellationToken.None).Select(r => $"{r.Key} {string.Join('|', r.Values)}")]
        : [];
}
