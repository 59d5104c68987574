using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Tests.Servers;
using Npgsql;

namespace FeatureStore.Ingest.Tests.Debezium;

/// <summary>
/// What the recorded workload implies, told by PostgreSQL itself: a real server runs the recorded statements and is asked for its rows. It knows nothing
/// of change events. A second database leaves the truncates out, as most connectors do.
/// </summary>
public sealed class BankDatabase : IAsyncLifetime
{
    private const int Sessions = 4;
    private readonly Dictionary<bool, NpgsqlDataSource> _sources = [];
    private PostgresServer? _server;

    public async Task InitializeAsync()
    {
        try
        {
            PostgresServer.Need();
        }
        catch (SkipException)
        {
            return; // Each test says so itself.
        }

        _server = await PostgresServer.StartAsync("wal_level=logical", "max_prepared_transactions=8");
        foreach (var truncates in new[] { true, false })
        {
            var name = truncates ? "bank" : "bank_untruncated";
            await using (var admin = NpgsqlDataSource.Create(Connection("postgres")))
            {
                await admin.CreateCommand($"CREATE DATABASE {name}").ExecuteNonQueryAsync();
            }

            _sources[truncates] = NpgsqlDataSource.Create(Connection(name));
            await RunAsync(_sources[truncates], truncates);
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var source in _sources.Values)
        {
            await source.DisposeAsync();
        }

        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    /// <summary>The rows as texts of a table's declared columns; null where nothing is. A table that does not exist has none.</summary>
    internal List<string?[]> Rows(BankTable table, bool truncates)
    {
        PostgresServer.Need();
        var (schema, name) = (table.Name.Split('.', 2)[0], table.Name.Split('.', 2)[1]);
        using var command = _sources[truncates].CreateCommand($"SELECT {string.Join(", ", table.Columns.Select(Term))} FROM {Quote(schema)}.{Quote(name)}");
        using var reader = command.ExecuteReader();
        var rows = new List<string?[]>();
        while (reader.Read())
        {
            rows.Add([.. table.Columns.Select((_, i) => reader.IsDBNull(i) ? null : reader.GetString(i))]);
        }

        return rows;
    }

    private static string Term((string Column, LakeType Type) column)
    {
        var name = Quote(column.Column);
        return column switch
        {
            (_, LakeType.Timestamp) => $"CASE WHEN isfinite({name}) THEN (extract(epoch FROM {name}) * 1000000)::numeric(40, 0)::text ELSE {name}::text END",
            ("c_money", _) => $"{name}::numeric(30, 2)::text",
            ("big3", _) => $"replace(encode({name}, 'base64'), E'\\n', '')",
            ("c_bit1", _) => $"({name} = B'1')::text",
            (_, LakeType.Boolean) => $"{name}::text",

            // As it is sent; a cast takes the blanks of a char(5) off, and adds a mask to an address.
            _ => $"CASE WHEN {name} IS NOT NULL THEN format('%s', {name}) END",
        };
    }

    private static string Quote(string name) => $"\"{name}\"";

    private string Connection(string database) =>
        $"Host=127.0.0.1;Port={_server!.Port.ToString(CultureInfo.InvariantCulture)};Username={_server.User};Database={database};Options=-c TimeZone=UTC -c statement_timeout=20000;Pooling=false";

    private static async Task RunAsync(NpgsqlDataSource source, bool truncates)
    {
        await using (var schema = source.CreateCommand(GoldenText("schema.sql")))
        {
            await schema.ExecuteNonQueryAsync();
        }

        var sessions = new List<NpgsqlConnection>();
        for (var s = 0; s < Sessions; s++)
        {
            sessions.Add(await source.OpenConnectionAsync());
        }

        foreach (var line in GoldenText("workload.jsonl").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var json = JsonDocument.Parse(line);
            foreach (var step in json.RootElement.GetProperty("steps").EnumerateArray())
            {
                var sql = step.GetProperty("sql").GetString()!;
                if (truncates || !sql.StartsWith("TRUNCATE", StringComparison.Ordinal))
                {
                    await StepAsync(sessions[step.GetProperty("session").GetInt32()], sql, step);
                }
            }
        }

        foreach (var session in sessions)
        {
            await session.DisposeAsync();
        }
    }

    private static async Task StepAsync(NpgsqlConnection session, string sql, JsonElement step)
    {
        try
        {
            if (step.TryGetProperty("copy_data", out var data))
            {
                await using var copy = await session.BeginTextImportAsync(sql);
                await copy.WriteAsync(data.GetString());
                return;
            }

            await using var command = new NpgsqlCommand(sql, session);
            await command.ExecuteNonQueryAsync();
        }
        catch (PostgresException e)
        {
            // A recorded error is part of the workload; a statement that needs one which is not among the recorded cases changes nothing here either.
            Assert.True(
                step.TryGetProperty("error", out _) || e.SqlState is PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InFailedSqlTransaction or PostgresErrorCodes.DuplicateColumn or PostgresErrorCodes.UndefinedObject,
                $"{sql[..Math.Min(sql.Length, 200)]}: {e.Message}");
        }
    }

    internal static string GoldenText(string name)
    {
        using var text = new StreamReader(new GZipStream(File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Golden", "debezium", $"{name}.gz")), CompressionMode.Decompress));
        return text.ReadToEnd();
    }
}
