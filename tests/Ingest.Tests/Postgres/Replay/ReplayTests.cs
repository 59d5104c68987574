using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Postgres;
using FeatureStore.Ingest.Tests.Debezium;

namespace FeatureStore.Ingest.Tests.Postgres.Replay;

/// <summary>
/// Recorded pgoutput streams give the events that Debezium was recorded to make of the same WAL, as texts up to the time of handling. What is compared
/// otherwise is what <c>docs/debezium-differences.md</c> lists.
/// </summary>
public sealed partial class ReplayTests
{
    // Tables whose rows' old images carry all columns; of the others Debezium fills up what the stream does not have.
    private static readonly string[] FullTables = ["public.nokey_full", "public.key_full"];

    // A replica identity that is not the primary key, or none; and keys that Debezium takes from a catalogue that is ahead of the stream.
    private static readonly string[] OtherKeys = ["public.key_index", "public.key_nothing", "public.ddl", "public.teen"];

    [Fact]
    public async Task Workload_EachTable_GivesDebeziumsEvents()
    {
        var ours = await ReplayedCapture.EventsAsync("pgoutput_v1", "json", ReplayedCapture.Keys.Where(k => k.Key != "public.part").ToDictionary());
        var theirs = Streamed("json").ToLookup(r => r.Table, r => r.Record);
        var compared = 0;
        foreach (var table in theirs)
        {
            var rows = ours[table.Key].Where(m => !ReplayedCapture.Text(m.Value).Contains("\"op\":\"t\"", StringComparison.Ordinal)).ToList();
            Assert.Equal(table.Count(), rows.Count);
            foreach (var (record, own) in table.Zip(rows))
            {
                AssertEqual(table.Key, record, own, ours.Ends);
                compared++;
            }
        }

        Assert.True(compared > 1_500, $"{compared} events were compared.");
    }

    [Fact]
    public async Task Truncates_ComeWhereDebeziumSendsThem()
    {
        var ours = await ReplayedCapture.EventsAsync("pgoutput_v1", "ops", ReplayedCapture.Keys.Where(k => k.Key != "public.part").ToDictionary());
        var theirs = Streamed("ops").Where(r => Op(r.Record) == "t").ToLookup(r => r.Table, r => r.Record);
        Assert.NotEmpty(theirs);
        foreach (var table in theirs)
        {
            var own = ours[table.Key].Where(m => ReplayedCapture.Text(m.Value).Contains("\"op\":\"t\"", StringComparison.Ordinal)).Select(m => Comparable(ReplayedCapture.Text(m.Value))).ToList();
            Assert.Equal(table.Select(r => Comparable(Transaction().Replace(r.GetProperty("value").GetString()!, "\"transaction\":null"))), own);
        }
    }

    [Fact]
    public async Task PublicationThroughTheRoot_GivesDebeziumsEvents()
    {
        var ours = await ReplayedCapture.EventsAsync("pgoutput_v1_root", "root", new Dictionary<string, string[]> { ["public.part"] = ["id", "region"] });
        var cases = Cases("pgoutput_v1_root");
        var theirs = Streamed("root").Where(r => r.Table == "public.part" && cases.Contains(r.Record.GetProperty("case").GetString()!)).Select(r => r.Record).ToList();
        Assert.Equal(theirs.Count, ours["public.part"].Count());

        foreach (var (record, own) in theirs.Zip(ours["public.part"]))
        {
            AssertEqual("public.part", record, own, ours.Ends);
        }
    }

    [Fact]
    public async Task SchemaChangesInFlow_GiveDebeziumsEvents()
    {
        // The first of them loses its key on the way, and one more has its key changed: see below.
        Dictionary<string, string[]> tables = new() { ["public.ddl"] = [], ["public.teen"] = ["n"], ["public.nn"] = ["id"] };
        var cases = Cases("pgoutput_v1_ddl");
        var theirs = Streamed("ddljson").Where(r => tables.ContainsKey(r.Table) && cases.Contains(r.Record.GetProperty("case").GetString()!)).ToLookup(r => r.Table, r => r.Record);
        Assert.Equal(tables.Count, theirs.Count);
        var ours = await ReplayedCapture.EventsAsync("pgoutput_v1_ddl", "ddljson", tables, Database(theirs.First().First()));
        foreach (var table in theirs)
        {
            Assert.Equal(table.Count(), ours[table.Key].Count());
            foreach (var (record, own) in table.Zip(ours[table.Key]))
            {
                AssertEqual(table.Key, record, own, ours.Ends);
            }
        }
    }

    [Theory]
    [InlineData("public.ddl", "id")] // Its primary key is dropped.
    [InlineData("public.newborn", "id")] // Another column becomes the key.
    public async Task SchemaChangeThatTakesTheKey_StopsWithItsName(string table, string key)
    {
        var stop = await Assert.ThrowsAsync<PostgresSourceException>(() => ReplayedCapture.EventsAsync("pgoutput_v1_ddl", "ddljson", new Dictionary<string, string[]> { [table] = [key] }));
        Assert.Contains($"The replica identity of {table} has no column '{key}'", stop.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ChangesBesideAnIncrementalSnapshot_GiveDebeziumsEvents()
    {
        var theirs = Streamed("snapshot_overlap").Where(r => !r.Table.Contains("signal", StringComparison.Ordinal)).ToLookup(r => r.Table, r => r.Record);
        var first = theirs.First().First();
        var keys = JsonNode.Parse(first.GetProperty("key").GetString()!)!.AsObject().Select(k => k.Key).ToArray();
        var ours = await ReplayedCapture.EventsAsync("pgoutput_v1_overlap", Field(first, "name"), theirs.ToDictionary(t => t.Key, _ => keys), Database(first));
        foreach (var table in theirs)
        {
            Assert.Equal(table.Count(), ours[table.Key].Count());
            foreach (var (record, own) in table.Zip(ours[table.Key]))
            {
                AssertEqual(table.Key, record, own, ours.Ends);
            }
        }
    }

    private static void AssertEqual(string table, JsonElement record, LogMessage own, IReadOnlySet<long> ends)
    {
        var (theirs, ours) = (Comparable(record.GetProperty("value").GetString()!), Comparable(ReplayedCapture.Text(own.Value)));

        // The commit before may be in a case that is not in the recording.
        var before = Before().Match(theirs);
        if (before.Value != Before().Match(ours).Value)
        {
            Assert.DoesNotContain(long.Parse(before.Groups[1].Value, CultureInfo.InvariantCulture), ends);
            ours = Before().Replace(ours, before.Value);
        }

        Assert.Equal(Ours(table, theirs, ours), ours);
        if (!OtherKeys.Contains(table))
        {
            Assert.Equal(record.GetProperty("key").GetString() ?? string.Empty, ReplayedCapture.Text(own.Key));
        }
    }

    /// <summary>Debezium's event with our values where it is known to be wrong, if they are what the stream says: nothing.</summary>
    private static string Ours(string table, string theirs, string ours)
    {
        if (theirs == ours)
        {
            return theirs;
        }

        var (their, own) = (JsonNode.Parse(theirs)!, JsonNode.Parse(ours)!);
        if (their["before"] is JsonObject before && !FullTables.Contains(table))
        {
            foreach (var name in before.Select(p => p.Key).Where(n => own["before"]?[n] is null).ToList())
            {
                before[name] = null;
            }
        }

        if (their["after"] is JsonObject after && table is "public.defaults" or "public.nn")
        {
            foreach (var name in after.Select(p => p.Key).Where(n => own["after"]?[n] is null).ToList())
            {
                after[name] = null;
            }
        }

        // A year beyond what microseconds can count wraps around there, and is the last one here.
        if (table == "public.types" && their["after"]?["c_ts"] is JsonValue time && own["after"]?["c_ts"]?.ToJsonString() == (long.MaxValue - 1).ToString(CultureInfo.InvariantCulture))
        {
            Assert.True(time.GetValue<long>() < 0);
            their["after"]!["c_ts"] = long.MaxValue - 1;
        }

        return JsonNode.DeepEquals(their, own) ? ours : theirs;
    }

    private static IEnumerable<(string Table, JsonElement Record)> Streamed(string run) => RecordedTopics.Records(run)
        .Where(r => r.GetProperty("value").ValueKind == JsonValueKind.String)
        .Select(r => (Value: JsonNode.Parse(r.GetProperty("value").GetString()!)!, Record: r))
        .Where(r => r.Value["op"]?.GetValue<string>() is "c" or "u" or "d" or "t" && r.Value["source"]!["table"]!.GetValue<string>().Length > 0)
        .Select(r => ($"{r.Value["source"]!["schema"]}.{r.Value["source"]!["table"]}", r.Record));

    private static string? Op(JsonElement record) => JsonNode.Parse(record.GetProperty("value").GetString()!)!["op"]!.GetValue<string>();

    private static string Field(JsonElement record, string name) => JsonNode.Parse(record.GetProperty("value").GetString()!)!["source"]![name]!.GetValue<string>();

    private static string Database(JsonElement record) => Field(record, "db");

    private static HashSet<string> Cases(string recording) => [.. BankDatabase.GoldenText($"{recording}.jsonl").Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(l => JsonNode.Parse(l)!["case"]!.GetValue<string>())];

    private static string Comparable(string value) => Handled().Replace(value, "}");

    [GeneratedRegex(",\"ts_ms\":\\d+,\"ts_us\":\\d+,\"ts_ns\":\\d+}$")]
    private static partial Regex Handled();

    [GeneratedRegex("\"transaction\":\\{[^}]*\\}")]
    private static partial Regex Transaction();

    [GeneratedRegex("\"sequence\":\"\\[(?:null|\\\\\"(\\d+)\\\\\"),")]
    private static partial Regex Before();
}
