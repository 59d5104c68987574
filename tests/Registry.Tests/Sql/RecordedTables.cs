using System.Data.Common;
using System.Text.Json.Nodes;
using Feast.Core;
using Google.Protobuf;

namespace FeatureStore.Registry.Tests.Sql;

/// <summary>Fills a database with the tables that Feast's SQL registry was recorded with.</summary>
internal static class RecordedTables
{
    private const string JsonSuffix = "_json";
    private const string Base64Suffix = "_base64";

    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));

    private static readonly Dictionary<string, MessageParser> Messages = new()
    {
        ["data_sources"] = DataSource.Parser,
        ["entities"] = Entity.Parser,
        ["feature_services"] = FeatureService.Parser,
        ["feature_views"] = FeatureView.Parser,
        ["managed_infra"] = Infra.Parser,
        ["on_demand_feature_views"] = OnDemandFeatureView.Parser,
        ["projects"] = Project.Parser,
    };

    public static JsonObject Golden(string file) => JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", file)))!.AsObject();

    /// <summary>Feast's statements for SQLite.</summary>
    public static IEnumerable<string> SqliteSchema() => Golden("sql_registry_sqlite.json")["schema"]!.AsArray().Select(s => s!.GetValue<string>());

    /// <summary>Statements that make the columns and indexes recorded on PostgreSQL.</summary>
    public static IEnumerable<string> PostgresSchema()
    {
        foreach (var table in Golden("sql_registry_postgres.json")["tables"]!.AsArray())
        {
            var columns = table!["columns"]!.AsArray().Select(c =>
                $"{c!["column"]} {c["type"]}{(c["length"] is { } length ? $"({length})" : string.Empty)}{(c["nullable"]!.GetValue<bool>() ? string.Empty : " NOT NULL")}");
            yield return $"CREATE TABLE {table["name"]} ({string.Join(", ", columns)})";
            foreach (var index in table["indexes"]!.AsArray())
            {
                yield return index!.GetValue<string>();
            }
        }
    }

    public static IEnumerable<(string Table, JsonObject Row)> SqliteRows() =>
        Golden("sql_registry_sqlite.json")["tables"]!.AsObject().SelectMany(t => t.Value!.AsArray().Select(r => (t.Key, r!.AsObject())));

    public static IEnumerable<(string Table, JsonObject Row)> PostgresRows() =>
        Golden("sql_registry_postgres.json")["rows_after_materialize"]!.AsArray().SelectMany(t => t!["rows"]!.AsArray().Select(r => (t["name"]!.GetValue<string>(), r!.AsObject())));

    public static void Execute(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public static void Insert(DbConnection connection, string table, JsonObject row)
    {
        using var command = connection.CreateCommand();
        foreach (var (key, value) in row)
        {
            var (column, cell) = Cell(table, key, value, row);
            if (column is not null)
            {
                var parameter = command.CreateParameter();
                (parameter.ParameterName, parameter.Value) = (column, cell ?? DBNull.Value);
                command.Parameters.Add(parameter);
            }
        }

        var names = command.Parameters.Cast<DbParameter>().Select(p => p.ParameterName).ToArray();
        command.CommandText = $"INSERT INTO {table} ({string.Join(", ", names)}) VALUES ({string.Join(", ", names.Select(n => "@" + n))})";
        command.ExecuteNonQuery();
    }

    private static (string? Column, object? Cell) Cell(string table, string key, JsonNode? value, JsonObject row)
    {
        if (key.EndsWith(Base64Suffix, StringComparison.Ordinal))
        {
            return (key[..^Base64Suffix.Length], Convert.FromBase64String(value!.GetValue<string>()));
        }

        if (key.EndsWith(JsonSuffix, StringComparison.Ordinal))
        {
            var column = key[..^JsonSuffix.Length];
            return row.ContainsKey(column + Base64Suffix) ? (null, null) : (column, Bytes(table, value!));
        }

        return value?.GetValueKind() switch
        {
            null => key is "materialized_intervals" or "user_metadata" ? (null, null) : (key, null),
            System.Text.Json.JsonValueKind.Number => key.EndsWith("_bytes", StringComparison.Ordinal) ? (null, null) : (key, value.GetValue<long>()),
            _ => table == "feature_view_version_history" && key == "feature_view_proto" ? (key, Array.Empty<byte>()) : (key, value.GetValue<string>()),
        };
    }

    public static IMessage Message(string table, byte[] bytes) => (IMessage)Messages[table].ParseFrom(bytes);

    /// <summary>The message that a recorded JSON stands for.</summary>
    public static byte[] Bytes(string table, JsonNode json) => Parser.Parse(json.ToJsonString(), ((IMessage)Messages[table].ParseFrom([])).Descriptor).ToByteArray();
}
