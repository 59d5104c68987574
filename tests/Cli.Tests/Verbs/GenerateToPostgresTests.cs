using System.Globalization;
using FeatureStore.OfflineStore.Features;
using FeatureStore.Tests.Servers;
using Npgsql;

namespace FeatureStore.Cli.Tests.Verbs;

public sealed class GenerateToPostgresTests
{
    private static readonly string[] Bank = ["generate", "--users", "200", "--seed", "3", "--first-day", "2026-01-05"];

    [SkippableFact]
    public async Task Generate_ToPostgresTwiceAndWithMoreDays_HoldsTheRowsOfTheChangeLog()
    {
        await using var server = await PostgresServer.StartAsync();
        using var fstore = new Fstore();
        await RunAsync(fstore, server, [.. Bank, "--days", "10", "--to", "postgres"]);
        var again = await RunAsync(fstore, server, [.. Bank, "--days", "10", "--to", "postgres"]);
        Assert.StartsWith("0 customers and 0 changes", again, StringComparison.Ordinal);
        await RunAsync(fstore, server, [.. Bank, "--days", "30", "--to", "postgres"]);
        await RunAsync(fstore, server, [.. Bank, "--days", "30"]);
        await RunAsync(fstore, server, ["ingest"]);

        var lake = Path.Combine(fstore.Repo, "data", "lake");
        Assert.Equal(LakeRows(lake, "cdc/transactions"), await SqlRowsAsync(server, "SELECT user_id, transaction_id, amount, vendor, sources, (extract(epoch FROM time) * 1000000)::bigint FROM transactions"));
        Assert.Equal(LakeRows(lake, "demographic/customers"), await SqlRowsAsync(server, "SELECT user_id, age, gender, location, occupation, day_start FROM customers"));
    }

    [SkippableFact]
    public async Task Generate_AnotherBankOrNoServer_RefusesWithoutThePassword()
    {
        using var fstore = new Fstore();
        await using (var server = await PostgresServer.StartAsync())
        {
            await RunAsync(fstore, server, [.. Bank, "--days", "1", "--to", "postgres"]);
            var (code, error) = await FailAsync(fstore, Connection(server), ["generate", "--users", "100", "--seed", "3", "--days", "1", "--to", "postgres"]);
            Assert.Equal((2, true), (code, error.Contains("users is 200, not 100", StringComparison.Ordinal)));
        }

        foreach (var (connection, expected) in new[] { ("Host=127.0.0.1;Port=1;Username=u;Password=s3cret", "cannot be reached"), ("Password=s3cret;Hots=a", "cannot be read"), ("Password=s3cret", "names no host") })
        {
            var (code, error) = await FailAsync(fstore, connection, ["generate", "--users", "10", "--days", "1", "--to", "postgres"]);
            Assert.Equal(3, code);
            Assert.Contains(expected, error, StringComparison.Ordinal);
            Assert.DoesNotContain("s3cret", error, StringComparison.Ordinal);
        }
    }

    private static string Connection(PostgresServer server) => $"Host=127.0.0.1;Port={server.Port};Username={server.User};Database=postgres";

    private static async Task<string> RunAsync(Fstore fstore, PostgresServer server, string[] arguments)
    {
        using var process = fstore.Start(new Dictionary<string, string> { ["FSTORE__POSTGRES__CONNECTION_STRING"] = Connection(server) }, arguments);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await error);
        return await output;
    }

    private static async Task<(int Code, string Error)> FailAsync(Fstore fstore, string connection, string[] arguments)
    {
        using var process = fstore.Start(new Dictionary<string, string> { ["FSTORE__POSTGRES__CONNECTION_STRING"] = connection }, arguments);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.DoesNotContain("s3cret", await output, StringComparison.Ordinal);
        return (process.ExitCode, await error);
    }

    private static List<string> LakeRows(string lake, string table) =>
        [.. new SourceRows(lake).KnownAt(table, SourceRows.Now, CancellationToken.None).Select(r => Text(r.Values)).Order(StringComparer.Ordinal)];

    private static async Task<List<string>> SqlRowsAsync(PostgresServer server, string sql)
    {
        await using var connection = new NpgsqlConnection(Connection(server) + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            var values = new object[reader.FieldCount];
            reader.GetValues(values);
            rows.Add(Text(values));
        }

        Assert.NotEmpty(rows);
        rows.Sort(StringComparer.Ordinal);
        return rows;
    }

    private static string Text(IEnumerable<object?> values) => string.Join('|', values.Select(v => v switch
    {
        DateOnly day => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        DateTime day => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        null or DBNull => "∅",
        _ => Convert.ToString(v, CultureInfo.InvariantCulture),
    }));
}
