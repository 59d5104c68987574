using System.Text;
using System.Text.Json;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Tests.Debezium;

/// <summary>Times as Debezium really sent them in each <c>time.precision.mode</c>, with and without schema.</summary>
public sealed class RecordedTimesTests
{
    private static readonly LakeColumn[] Columns =
    [
        new("c_ts", LakeType.Timestamp), new("c_ts3", LakeType.Timestamp), new("c_tstz", LakeType.Timestamp), new("c_date", LakeType.Date),
    ];

    // The lake's first and last moments stand for the infinities.
    private const long Least = -62_135_596_800_000_000;
    private const long Greatest = 253_402_300_799_999_999;

    // timestamp(3) counts milliseconds in the default mode.
    private static readonly EnvelopeOptions Adaptive = new() { Times = new Dictionary<string, TimeKind> { ["c_ts3"] = TimeKind.Milliseconds } };
    private static readonly EnvelopeOptions Nanos = new() { Times = new Dictionary<string, TimeKind> { ["c_ts"] = TimeKind.Nanoseconds, ["c_ts3"] = TimeKind.Nanoseconds } };

    public static TheoryData<string> Runs => ["schema", "m_string", "m_nano", "m_iso", "m_tmicro", "json"];

    [Theory]
    [MemberData(nameof(Runs))]
    public void Read_EveryMode_GivesTheSameInstants(string run)
    {
        var reader = new EnvelopeReader(Columns, run switch { "m_nano" => Nanos, "json" or "m_tmicro" => Adaptive, _ => null });
        var rows = Recorded(run).ToLookup(r => r.Case, r => reader.Read(r.Message));

        // m_string is the mode 'connect', which cuts to milliseconds.
        const long Moment = 1_709_210_096_789_012;
        Assert.All(Values(rows["type_ts"]), v => Assert.Equal([run == "m_string" ? Moment - 12 : Moment, Moment - 12], v[..2]));
        Assert.All(Values(rows["type_ts_epoch"]), v => Assert.Equal([0L, 0L], v[..2]));
        Assert.All(Values(rows["type_tstz"]), v => Assert.Equal(1_709_190_296_789_012, v[2]));
        Assert.All(Values(rows["type_tstz_neginf"]), v => Assert.Equal(Least, v[2]));
        Assert.All(Values(rows["type_date"]), v => Assert.Equal(new DateOnly(2024, 2, 29), v[3]));
        Assert.All(Values(rows["type_ts_inf"]), v => Assert.Equal(Greatest, v[0]));
        Assert.All(Values(rows["type_ts_neginf"]), v => Assert.Equal(Least, v[0]));
        Assert.All(Values(rows["type_ts3_inf"]), v => Assert.Equal(Greatest, v[1]));
    }

    [Theory]
    [InlineData("json", "'c_ts3'")]
    [InlineData("m_nano", "'c_ts'")]
    public void Read_UnitThatNothingTells_IsRefusedInsteadOfMisread(string run, string column)
    {
        var reader = new EnvelopeReader(Columns);
        var results = Recorded(run).Where(r => r.Case == "type_ts").Select(r => reader.Read(r.Message)).ToList();
        Assert.NotEmpty(results);
        Assert.All(results, r => Assert.Contains(column, r.Fault!.Reason, StringComparison.Ordinal));
        Assert.All(results, r => Assert.Contains("fstore.ingest.time_units", r.Fault!.Reason, StringComparison.Ordinal));
    }

    [Fact]
    public void Read_SchemaBehindThePayload_IsReadFirst()
    {
        var reader = new EnvelopeReader(Columns);
        foreach (var (_, message) in Recorded("m_string").Where(r => r.Case == "type_ts"))
        {
            using var json = JsonDocument.Parse(message.Value);
            var swapped = $$"""{"payload":{{json.RootElement.GetProperty("payload").GetRawText()}},"schema":{{json.RootElement.GetProperty("schema").GetRawText()}}}""";
            Assert.Equal(reader.Read(message).Row!.Values, reader.Read(message with { Value = Encoding.UTF8.GetBytes(swapped) }).Row!.Values);
        }
    }

    [Fact]
    public void Read_TypeOfTheSchemaThatIsNoInstant_IsAFault()
    {
        const string Text = """{"schema":{"fields":[{"field":"after","fields":[{"field":"c_ts","name":"io.debezium.time.MicroTime"}]}]},"payload":{"after":{"c_ts":5},"source":{"name":"s","lsn":1,"ts_us":5},"op":"c"}}""";
        Assert.Contains("another type", new EnvelopeReader(Columns).Read(new LogMessage("{}"u8.ToArray(), Encoding.UTF8.GetBytes(Text))).Fault!.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{\"fields\":[1]}")]
    [InlineData("{\"fields\":[{\"field\":\"after\",\"fields\":[{\"field\":7,\"name\":null}]}]}")]
    [InlineData("{\"fields\":{}}")]
    public void Read_HostileSchema_NeverThrows(string schema)
    {
        var text = $$$"""{"schema":{{{schema}}},"payload":{"after":{"c_date":5},"source":{"name":"s","lsn":1,"ts_us":5},"op":"c"}}""";
        var result = new EnvelopeReader(Columns).Read(new LogMessage("{}"u8.ToArray(), Encoding.UTF8.GetBytes(text)));
        Assert.True(result.Row is not null || result.Fault is not null);
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void Ingest_EveryRecordedTime_LandsOrIsADeadLetter(string run)
    {
        var folder = Directory.CreateTempSubdirectory("times").FullName;
        try
        {
            using var log = EmbeddedChangeLog.Open(Path.Combine(folder, "log.db"));
            var topic = log.Topic("types");
            var messages = Recorded(run).Select(r => r.Message).ToList();
            log.Append(topic, messages);
            var table = ChangeTable.Open(Path.Combine(folder, "lake"), "cdc/types", Columns);
            var result = new IngestRunner(log, topic, Columns, table, options: run == "m_nano" ? Nanos : Adaptive).Run(100, null, CancellationToken.None);
            Assert.Equal(messages.Count, result.Rows + result.DeadLetters);
            Assert.True(result.Rows > result.DeadLetters);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IReadOnlyList<object?[]> Values(IEnumerable<EnvelopeResult> results)
    {
        var values = results.Select(r => r.Row!.Values).ToList();
        Assert.NotEmpty(values);
        return values;
    }

    private static IEnumerable<(string Case, LogMessage Message)> Recorded(string run) =>
        GoldenRecords.Read("debezium-times").Where(r => r.Record.GetProperty("run").GetString() == run)
            .Select(r => (r.Record.GetProperty("case").GetString()!, r.Message));
}
