using System.Globalization;
using System.Text;
using System.Text.Json;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Tests.Debezium;

/// <summary>
/// Recorded troubles: a worker or its database killed in a burst, so that events come twice; snapshots between changes; schemas that change in flow; topics without rows.
/// The topic's own order tells the state here: the last event of a key that is no tombstone.
/// </summary>
public sealed class RecordedScenarioTests
{
    private static readonly BankTable Transactions = BankTables.Plain.First(t => t.Name == "public.transactions");

    private static readonly BankTable[] Tables =
    [
        Transactions,
        new("public.ddl", ["id"], [("id", LakeType.Int32), ("a", LakeType.Int64)]),
        new("public.newborn", ["n"], [("id", LakeType.Int32), ("n", LakeType.String)]),
        new("public.teen", ["n"], [("id", LakeType.Int32), ("n", LakeType.String)]),
        new("public.nn", ["id"], [("id", LakeType.Int32)]),
        new("public.key_index", ["code"], [("id", LakeType.Int32), ("code", LakeType.String), ("v", LakeType.Int32)]),
        new("public.part_us", ["id", "region"], [("id", LakeType.Int32), ("region", LakeType.String), ("v", LakeType.Int32)]),
    ];

    public static TheoryData<string> Runs =>
        ["connect_kill9", "postgres_immediate_stop", "task_restart_graceful", "walsender_terminated", "snapshot_signals", "snapshot_overlap", "slot_dropped_while_running", "hb", "ddljson", "ddlschema", "ddlnull", "json", "schema"];

    [Theory]
    [MemberData(nameof(Runs))]
    public void Ingest_EveryTopicOfAScenario_EndsInTheStateOfTheTopic(string run)
    {
        using var lake = new TopicLake();
        var topics = RecordedTopics.Of(run);
        var compared = 0;
        foreach (var table in Tables.Where(t => topics[t.Topic].Any()))
        {
            lake.Ingest(table, [.. topics[table.Topic].Select(r => r.Message)], portions: 3);
            Assert.Empty(lake.Letters(table));
            var expected = State(table, topics[table.Topic].Select(r => r.Record));
            var actual = lake.Rows(table).Select(r => string.Join('|', r.Select(v => v ?? "∅"))).Order(StringComparer.Ordinal).ToList();
            Assert.True(expected.SequenceEqual(actual), $"{run} {table.Name}: missing [{string.Join("; ", expected.Except(actual).Take(3))}], too many [{string.Join("; ", actual.Except(expected).Take(3))}]");
            compared++;
        }

        Assert.True(compared > 0, $"{run}: nothing was compared");
    }

    // Records sent, and rows that PostgreSQL kept: of the part recorded and, as they come again, of the part before it (1,184 and 4,664).
    [Theory]
    [InlineData("connect_kill9", 3_626, 2_610)]
    [InlineData("postgres_immediate_stop", 5_536, 4_664)]
    [InlineData("task_restart_graceful", 1_740, 1_740)]
    [InlineData("walsender_terminated", 6_904, 6_404)]
    public void Ingest_EventsThatCameTwice_AreKeptOnceByTheirIdentity(string run, int sent, int kept)
    {
        using var lake = new TopicLake();
        var topics = RecordedTopics.Of(run);
        var landed = lake.Ingest(Transactions, [.. topics[Transactions.Topic].Select(r => r.Message)]);
        Assert.Equal(sent, landed.Rows);
        Assert.Equal(kept, lake.Rows(Transactions).Count);
    }

    [Theory]
    [InlineData("hb", "hb")]
    [InlineData("hblong", "hblong")]
    [InlineData("ops", "transaction")]
    [InlineData("ops", "message")]
    [InlineData("flat_default", "message")]
    [InlineData("flat_rewrite", "message")]
    public void Ingest_TopicWithoutRows_IsCountedAndHarmless(string run, string topic)
    {
        using var lake = new TopicLake();
        var messages = RecordedTopics.Of(run)[topic].Select(r => r.Message).ToList();
        var landed = lake.Ingest(Transactions, messages);
        Assert.Equal((0, 0, messages.Count), (landed.Rows, landed.DeadLetters, landed.Others));
        Assert.NotEmpty(messages);
        Assert.Empty(lake.Rows(Transactions));
    }

    // A transaction writes at 100 and commits at 500. In between others commit up to 400, and a snapshot reads the row as it was.
    [Theory]
    [InlineData(100, 400, "new")]
    [InlineData(450, 400, "new")]
    [InlineData(350, 300, "read")]
    public void Ingest_RowOfAnIncrementalSnapshot_RanksByCommits(long lsn, long previousCommit, string expected)
    {
        static LogMessage Event(string op, string lsn, long previousCommit, string vendor) => new(
            """{"transaction_id":"t"}"""u8.ToArray(),
            Encoding.UTF8.GetBytes($$$"""{"before":null,"after":{"transaction_id":"t","vendor":"{{{vendor}}}"},"source":{"name":"s","ts_us":1,"sequence":"[\"{{{previousCommit}}}\",\"1\"]","lsn":{{{lsn}}}},"op":"{{{op}}}"}"""));
        LogMessage[] messages = [Event("c", "50", 40, "old"), Event("r", "null", 400, "read"), Event("u", lsn.ToString(CultureInfo.InvariantCulture), previousCommit, "new")];
        foreach (var order in new[] { messages, [messages[0], messages[2], messages[1]], [messages[2], messages[1], messages[0]] })
        {
            using var lake = new TopicLake();
            lake.Ingest(Transactions, order);
            Assert.Equal(expected, Assert.Single(lake.Rows(Transactions))[3]);
        }
    }

    private static List<string> State(BankTable table, IEnumerable<JsonElement> records)
    {
        var state = new SortedDictionary<string, string?>(StringComparer.Ordinal);
        foreach (var value in records.Select(r => RecordedTopics.Event(r)).OfType<JsonElement>())
        {
            var image = RecordedTopics.Image(value);
            var key = string.Join('|', table.Key.Select(k => image.GetProperty(k).ToString()));
            state[key] = value.GetProperty("op").GetString() == "d" ? null : string.Join('|', table.Columns.Select(c => Text(image, c)));
        }

        return [.. state.Values.OfType<string>().Order(StringComparer.Ordinal)];
    }

    private static string Text(JsonElement image, (string Column, LakeType Type) column) =>
        !image.TryGetProperty(column.Column, out var value) || value.ValueKind == JsonValueKind.Null ? "∅"
        : column.Type == LakeType.Double ? Double(value).ToString("R", CultureInfo.InvariantCulture)
        : value.ToString() is var text && text == long.MaxValue.ToString(CultureInfo.InvariantCulture) ? "253402300799999999" : text;

    private static double Double(JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetDouble() : value.GetString() switch
    {
        "NaN" => double.NaN,
        "Infinity" => double.PositiveInfinity,
        _ => double.NegativeInfinity,
    };
}
