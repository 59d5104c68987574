using System.Data.Common;
using FeatureStore.Tests.Servers;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace FeatureStore.Registry.Tests.Sql;

/// <summary>An empty database of either kind, and repos whose registry lies in it.</summary>
internal sealed class SqlDatabase : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sql").FullName;
    private readonly PostgresServer? _server;

    private SqlDatabase(PostgresServer? server) => _server = server;

    public static SqlDatabase Sqlite() => new(null);

    public static async Task<SqlDatabase> PostgresAsync()
    {
        PostgresServer.Need();
        return new SqlDatabase(await PostgresServer.StartAsync());
    }

    public string Url => _server is null ? $"sqlite:///{_folder}/r.db" : $"postgresql://{_server.User}@127.0.0.1:{_server.Port}/postgres";

    public TestRepo Repo(string definitions, string more = "", string project = "bank_features") =>
        new(definitions, $"project: {project}\nregistry: {{registry_type: sql, path: '{Url}'{more}}}\n");

    public void Execute(IReadOnlyList<string> statements)
    {
        using var connection = Open();
        foreach (var statement in statements)
        {
            RecordedTables.Execute(connection, statement);
        }
    }

    /// <summary>Each table's columns with their types, and its indexes.</summary>
    public IReadOnlyList<string> Columns() => Query(
        _server is null
            ? "SELECT m.name || ' ' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || c.pk FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' "
                + "UNION ALL SELECT i.name || ' on ' || i.tbl_name FROM sqlite_master i WHERE i.type = 'index' AND i.sql IS NOT NULL ORDER BY 1"
            : "SELECT table_name || ' ' || column_name || ' ' || data_type || ' ' || coalesce(character_maximum_length, 0) || ' ' || is_nullable FROM information_schema.columns WHERE table_schema = 'public' "
                + "UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1").Select(r => r[0]).ToArray();

    /// <summary>Every row by table, name, project and version; its cells as text.</summary>
    public SortedDictionary<string, string> Rows()
    {
        var rows = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var table in Query(_server is null ? "SELECT name FROM sqlite_master WHERE type = 'table'" : "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'").Select(r => r[0]))
        {
            foreach (var row in Query($"SELECT * FROM {table}"))
            {
                rows[string.Join(' ', new[] { table }.Concat(row.Take(table == "feature_view_version_history" ? 3 : 2)))] = string.Join('|', row);
            }
        }

        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private DbConnection Open()
    {
        DbConnection connection = _server is null
            ? new SqliteConnection($"Data Source={_folder}/r.db;Pooling=false")
            : new NpgsqlConnection($"Host=127.0.0.1;Port={_server.Port};Username={_server.User};Database=postgres;Pooling=false");
        connection.Open();
        return connection;
    }

    private List<string[]> Query(string sql)
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<string[]>();
        while (reader.Read())
        {
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => reader[i] is byte[] bytes ? Convert.ToHexString(bytes) : reader[i].ToString()!)]);
        }

        return rows;
    }
}
