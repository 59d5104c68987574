using System.Globalization;
using System.Text.Json;
using FeatureStore.Cli.Composition;
using FeatureStore.DuckDb;
using FeatureStore.Jobs.Materialize;
using FeatureStore.Registry.Files;
using Microsoft.Data.Sqlite;

namespace FeatureStore.Cli.Tests.Composition;

/// <summary>Feast's recorded materializations over the same source rows: what lies in the SQLite store afterwards, to the byte, and the ranges that the registry notes.</summary>
public sealed class MaterializeReplayTests : IDisposable
{
    private const string At = "TIMESTAMPTZ '2026-11-01 11:00:00+00'";

    private readonly string _folder = Directory.CreateTempSubdirectory("materialize").FullName;

    /// <summary>The case, its source rows (the recording holds what came of them alone), the declared type, and its ttl.</summary>
    public static TheoryData<string, string, string, string> Recorded() => new()
    {
        { "both ends of the range are included", Rows("(1, 1, '2026-11-01 10:00:00+00')", "(2, 2, '2026-11-01 12:00:00+00')", "(3, 3, '2026-11-01 12:00:00.000001+00')", "(4, 4, '2026-11-01 09:59:59.999999+00')"), "Int64", "0" },
        { "latest event wins over latest created", "SELECT * FROM (VALUES (1, 1, TIMESTAMPTZ '2026-11-01 10:30:00+00', TIMESTAMPTZ '2026-11-01 11:59:00+00'), (1, 2, " + At + ", TIMESTAMPTZ '2026-11-01 11:01:00+00')) v(id, x, t, c)", "Int64", "0" },
        { "same event: latest created wins", "SELECT * FROM (VALUES (1, 1, " + At + ", TIMESTAMPTZ '2026-11-01 11:01:00+00'), (1, 2, " + At + ", TIMESTAMPTZ '2026-11-01 11:05:00+00'), (1, 3, " + At + ", TIMESTAMPTZ '2026-11-01 11:03:00+00')) v(id, x, t, c)", "Int64", "0" },
        { "same event, no created column, pull_latest_features", Rows("(1, 1, '2026-11-01 11:00:00+00')", "(1, 2, '2026-11-01 11:00:00+00')", "(1, 3, '2026-11-01 11:00:00+00')"), "Int64", "0" },
        { "ttl is not applied to what is materialized", Rows("(1, 1, '2026-11-01 10:00:00+00')"), "Int64", "1m" },
        { "int64 with a null elsewhere in the column loses exactness above 2^53", Rows("(1, 9007199254740993, '2026-11-01 11:00:00+00')", "(2, NULL, '2026-11-01 11:00:00+00')"), "Int64", "0" },
        { "declared Int32, Parquet int64", $"SELECT 1 id, 5::BIGINT x, {At} t", "Int32", "0" },
        { "declared Float32, Parquet double 0.1", $"SELECT 1 id, 0.1::DOUBLE x, {At} t", "Float32", "0" },
        { "declared Int64, Parquet double 2.7", $"SELECT 1 id, 2.7::DOUBLE x, {At} t", "Int64", "0" },
        { "declared String, Parquet double", $"SELECT 1 id, 5.0::DOUBLE x, {At} t", "String", "0" },
        { "declared Int64, Parquet text digits", $"SELECT 1 id, '12' x, {At} t", "Int64", "0" },
        { "declared Bool, Parquet int 1", $"SELECT 1 id, 1::BIGINT x, {At} t", "Bool", "0" },
        { "declared UnixTimestamp, Parquet date32", $"SELECT 1 id, DATE '2026-11-01' x, {At} t", "UnixTimestamp", "0" },
        { "declared UnixTimestamp, Parquet timestamp without zone", $"SELECT 1 id, TIMESTAMP '2026-11-01 11:00:00' x, {At} t", "UnixTimestamp", "0" },
        { "declared String, Parquet dictionary", $"SELECT * FROM (VALUES (1, 'a', {At}), (2, NULL, {At})) v(id, x, t)", "String", "0" },
        { "null join key", Rows("(NULL, 1, '2026-11-01 11:00:00+00')", "(1, 1, '2026-11-01 11:00:00+00')"), "Int64", "0" },
        { "null event timestamp", Rows("(1, 1, '2026-11-01 11:00:00+00')", "(2, 2, NULL)"), "Int64", "0" },
        { "empty range writes nothing but records the interval", Rows("(1, 1, '2026-11-01 11:00:00+00')"), "Int64", "0" },
        { "incremental twice", Rows("(1, 4, '2026-11-22 00:30:00+00')", "(1, 5, '2026-11-22 01:00:00+00')"), "Int64", "30d" },
        { "incremental, ttl zero", Rows("(1, 5, '2026-11-22 01:00:00+00')", "(2, 6, '2025-11-23 00:00:00+00')"), "Int64", "0" },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Recorded))]
    public async Task Materialize_RecordedRows_LeavesTheRecordedStoreAndIntervals(string name, string rows, string type, string ttl)
    {
        var recorded = Cases().Single(c => c.GetProperty("name").GetString() == name);
        var repo = Make(rows, type, ttl);
        var spans = recorded.GetProperty("spans").EnumerateArray().ToArray();
        for (var i = 0; i < spans.Length; i++)
        {
            var view = repo.Snapshot().FeatureViews["v"];
            var range = Range(repo, recorded, spans[i], i, view.Ttl);
            await new Pipeline(repo).MaterializeAsync(view, range, spans[i].GetArrayLength() == 1, null, CancellationToken.None);
        }

        Assert.Equal(Expected(name, recorded).Order(StringComparer.Ordinal), Stored(repo).Order(StringComparer.Ordinal));
        var noted = repo.Registry().Load().FeatureViews.Single().Meta.MaterializationIntervals.Select(i => (i.StartTime.ToDateTimeOffset(), i.EndTime.ToDateTimeOffset()));
        Assert.Equal(name == "null join key" ? Intervals(spans) : Intervals(recorded.GetProperty("intervals").EnumerateArray()), noted);
    }

    [Fact]
    public void Recorded_Cases_AreAllReplayed() => Assert.Equal(
        Cases().Select(c => c.GetProperty("name").GetString()),
        Recorded().Select(r => (string)((object?[])r)[0]!));

    private static string Rows(params string[] rows) =>
        $"SELECT id::BIGINT id, x::BIGINT x, t::TIMESTAMPTZ t FROM (VALUES {string.Join(", ", rows)}) v(id, x, t)";

    private static MaterializeRange Range(Repo repo, JsonElement recorded, JsonElement span, int index, TimeSpan ttl)
    {
        if (span.GetArrayLength() == 2)
        {
            return MaterializeRange.Between(Time(span[0]), Time(span[1]), Time(span[1]));
        }

        // The recording tells when it ran: its first run began one ttl, or 52 weeks, before.
        var now = Time(recorded.GetProperty("intervals")[0][0]) + (ttl > TimeSpan.Zero ? ttl : MaterializeRange.ReachWithoutTtl);
        var range = MaterializeRange.Incremental(repo.Registry().LatestEnd("p", "v"), ttl, Time(span[0]), now);
        Assert.Equal((Time(recorded.GetProperty("intervals")[index][0]), Time(recorded.GetProperty("intervals")[index][1])), (range.Start, range.End));
        return range;
    }

    // Two of Feast's outcomes are losses that we do not follow: digits of an integer beside a null, and a whole run for one row without a key.
    private static IEnumerable<string> Expected(string name, JsonElement recorded) => name switch
    {
        "null join key" => [$"010000000200000002000000696404000000080000000100000000000000 x 2001 {Time(recorded.GetProperty("spans")[0][0]).AddHours(1).ToUnixTimeSeconds()} "],
        _ => recorded.GetProperty("rows").EnumerateArray().Select(r => string.Join(
            ' ',
            r.GetProperty("key"),
            r.GetProperty("feature"),
            name.StartsWith("int64 with a null", StringComparison.Ordinal) && r.GetProperty("value").GetString() == "208080808080808010" ? "208180808080808010" : r.GetProperty("value"),
            r.GetProperty("event_ts"),
            r.GetProperty("created_ts"))),
    };

    private static IEnumerable<(DateTimeOffset, DateTimeOffset)> Intervals(IEnumerable<JsonElement> intervals) => intervals.Select(i => (Time(i[0]), Time(i[1])));

    private static DateTimeOffset Time(JsonElement text) => DateTimeOffset.Parse(text.GetString()!, CultureInfo.InvariantCulture);

    private static JsonElement[] Cases() =>
        [.. JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "materialize.json"))).RootElement.GetProperty("cases").EnumerateArray()];

    private static List<string> Stored(Repo repo)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(repo.Config.RepoDirectory, "data", "online.db")};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT lower(hex(entity_key)), feature_name, lower(hex(value)), event_ts, created_ts FROM p_v";
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
        {
            rows.Add(string.Create(CultureInfo.InvariantCulture, $"{reader[0]} {reader[1]} {reader[2]} {reader[3]} {reader[4]}"));
        }

        return rows;
    }

    private Repo Make(string rows, string type, string ttl)
    {
        var table = Path.Combine(_folder, "data", "lake", "rows");
        Directory.CreateDirectory(table);
        Directory.CreateDirectory(Path.Combine(_folder, "features"));
        using (var database = DuckDbDatabase.Open(null, new DuckDbOptions(Threads: 1)))
        using (var connection = database.Connect())
        {
            connection.Execute($"COPY (SELECT * REPLACE (id::BIGINT AS id) FROM ({rows})) TO '{Path.Combine(table, "rows.parquet")}' (FORMAT PARQUET)");
        }

        var created = rows.Contains("v(id, x, t, c)", StringComparison.Ordinal) ? ", created_timestamp_column: c" : string.Empty;
        File.WriteAllText(Path.Combine(_folder, "feature_store.yaml"), "project: p\nregistry: data/registry.db\n");
        File.WriteAllText(
            Path.Combine(_folder, "features", "all.yaml"),
            $"entities: [{{name: e, join_keys: [id], value_type: INT64}}]\nsources: [{{name: s, path: rows, timestamp_field: t{created}}}]\n"
            + $"feature_views: [{{name: v, entities: [e], source: s, ttl: {ttl}, schema: [{{name: x, dtype: {type}}}]}}]\n");
        var repo = Repo.Open(null, _folder);
        RegistryApplier.Apply(repo.Config, null, TimeProvider.System, CancellationToken.None);
        return repo;
    }
}
