using System.Text.Json;
using FeatureStore.Contract.Rows;
using FeatureStore.OnlineStore.Sqlite;
using Microsoft.Data.Sqlite;

namespace FeatureStore.OnlineStore.Tests.Sqlite;

/// <summary>Feast's own database: read by us as recorded, and written by us to the same rows.</summary>
public sealed class SqliteGoldenTests : IDisposable
{
    private const string Project = "bank_features";
    private const long Second = 1_000_000;
    private readonly string _folder = Directory.CreateTempSubdirectory("golden").FullName;

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Both recordings: what a process outside UTC wrote is read as it lies there, shifted.</summary>
    public static TheoryData<string> Recordings => ["online_store", "online_store_written_in_tz_America_New_York"];

    [Theory]
    [MemberData(nameof(Recordings))]
    public async Task Read_FeastsDatabase_GivesEveryRecordedValue(string recording)
    {
        var path = Path.Combine(_folder, "feast.db");
        File.Copy(Golden(recording + ".db"), path);
        await using var store = new SqliteOnlineStore(path);
        foreach (var (table, rows) in Recorded(recording))
        {
            var reads = (await store.ReadAsync([table], [.. rows.Select(r => r.EntityKey)], CancellationToken.None))[0];
            for (var i = 0; i < rows.Length; i++)
            {
                Assert.Equal(rows[i].EventTimeMicros, reads[i].EventTimeMicros);
                Assert.Equal(rows[i].Values, reads[i].Values);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public async Task Write_TheSameRows_LeavesFeastsTables(string recording)
    {
        var path = Path.Combine(_folder, "ours.db");
        await using (var store = new SqliteOnlineStore(path))
        {
            foreach (var (table, rows) in Recorded(recording))
            {
                await store.EnsureTablesAsync([table], CancellationToken.None);
                await store.WriteAsync(table, rows, OnlineWriteRule.NewerWins, CancellationToken.None);
                Assert.Equal(Dump(Golden(recording + ".db"), table), Dump(path, table));
            }
        }
    }

    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", name);

    private static IEnumerable<(OnlineTable Table, EncodedRow[] Rows)> Recorded(string recording)
    {
        var tables = JsonDocument.Parse(File.ReadAllBytes(Golden(recording + ".json"))).RootElement.GetProperty("tables");
        foreach (var table in tables.EnumerateObject())
        {
            var byEntity = table.Value.EnumerateArray().GroupBy(r => r.GetProperty("entity_key").GetString()!).ToArray();
            string[] features = [.. byEntity[0].Select(r => r.GetProperty("feature_name").GetString()!)];
            yield return (new OnlineTable(Project, table.Name[(Project.Length + 1)..], features), [.. byEntity.Select(e => ToRow(e, features))]);
        }
    }

    private static EncodedRow ToRow(IGrouping<string, JsonElement> entity, string[] features)
    {
        var values = entity.ToDictionary(
            r => r.GetProperty("feature_name").GetString()!, r => Convert.FromHexString(r.GetProperty("value").GetString()!));
        var created = entity.First().GetProperty("created_ts");
        return new EncodedRow(
            Convert.FromHexString(entity.Key),
            entity.First().GetProperty("event_ts").GetInt64() * Second,
            created.ValueKind == JsonValueKind.Number ? created.GetInt64() * Second : null,
            [.. features.Select(f => values[f])]);
    }

    private static List<string> Dump(string path, OnlineTable table)
    {
        using var connection = new SqliteConnection($"Data Source={path};Mode=ReadOnly");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText =
            $"SELECT hex(entity_key), feature_name, hex(value), value_text, vector_value, event_ts, created_ts, typeof(event_ts) "
            + $"FROM \"{table.Project}_{table.View}\" ORDER BY 1, 2";
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
        {
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? "null" : reader.GetValue(i).ToString())));
        }

        Assert.NotEmpty(rows);
        return rows;
    }
}
