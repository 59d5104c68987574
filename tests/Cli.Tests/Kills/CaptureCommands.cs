using System.Diagnostics;
using System.Globalization;
using FeatureStore.Cli.Tests.Verbs;
using FeatureStore.OfflineStore.Features;
using FeatureStore.Tests.Servers;
using Npgsql;

namespace FeatureStore.Cli.Tests.Kills;

/// <summary>The commands that capture a generated bank, and what its transactions are in PostgreSQL and in the lake.</summary>
internal static class CaptureCommands
{
    public static Task<string> GenerateAsync(PostgresServer server, Fstore fstore, int days) => EndAsync(
        Start(server, fstore, null, "generate", "--users", "300", "--seed", "5", "--first-day", "2026-01-05", "--days", $"{days}", "--to", "postgres"), 0);

    public static async Task<long> RawRowsAsync(PostgresServer server, Fstore fstore)
    {
        var output = await EndAsync(Start(server, fstore, null, "lake", "tables", "--json"), 0);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => System.Text.Json.Nodes.JsonNode.Parse(line)!)
            .Where(t => t["path"]!.GetValue<string>() == "cdc/transactions").Sum(t => t["rows"]!.GetValue<long>());
    }

    public static Process Start(PostgresServer server, Fstore fstore, string? fault, params string[] arguments)
    {
        var environment = new Dictionary<string, string> { ["FSTORE__POSTGRES__CONNECTION_STRING"] = Connection(server) };
        if (fault is not null)
        {
            environment["DOTNET_STARTUP_HOOKS"] = Path.Combine(AppContext.BaseDirectory, "FeatureStore.Tests.Faults.dll");
            environment["FSTORE_FAULT"] = fault;
        }

        return fstore.Start(environment, arguments);
    }

    /// <summary>What a command printed that ended with the code, to its output, or to its errors with another code than 0.</summary>
    public static async Task<string> EndAsync(Process process, int code)
    {
        using (process)
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == code, $"{string.Join(' ', process.StartInfo.ArgumentList.Skip(1))} ended with {process.ExitCode}: {await output}{await error}");
            return code == 0 ? await output : await error;
        }
    }

    public static string Connection(PostgresServer server) => $"Host=127.0.0.1;Port={server.Port};Username={server.User};Database=postgres";

    public static List<string> LakeRows(Fstore fstore) =>
    [
        .. new SourceRows(Path.Combine(fstore.Repo, "data", "lake")).KnownAt("cdc/transactions", SourceRows.Now, CancellationToken.None)
            .Select(r => string.Join('|', r.Values.Select(v => Convert.ToString(v, CultureInfo.InvariantCulture)))).Order(StringComparer.Ordinal),
    ];

    public static async Task<List<string>> SqlRowsAsync(PostgresServer server)
    {
        await using var connection = new NpgsqlConnection(Connection(server) + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT user_id, transaction_id, amount, vendor, sources, (extract(epoch FROM time) * 1000000)::bigint FROM transactions", connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => Convert.ToString(reader.IsDBNull(i) ? null : reader.GetValue(i), CultureInfo.InvariantCulture))));
        }

        rows.Sort(StringComparer.Ordinal);
        return rows;
    }
}
