using FeatureStore.Tests.Servers;
using Npgsql;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary><c>fstore connector</c> beside a real PostgreSQL and a worker that answers as one was recorded to: outcomes, exit codes, and no password anywhere.</summary>
public sealed class ConnectorTests : IDisposable
{
    private const string Password = "hunter2-of-the-bank";
    private readonly Fstore _fstore = new();
    private readonly ConnectWorker _worker = new();

    public void Dispose()
    {
        _worker.Dispose();
        _fstore.Dispose();
    }

    [SkippableFact]
    public async Task Connector_FromRegisterToDelete_TellsWhatHappenedAndNoPassword()
    {
        await using var server = await PostgresServer.StartAsync("wal_level=logical");
        await RunAsync(server, "CREATE TABLE transactions (transaction_id text PRIMARY KEY); CREATE TABLE customers (user_id text PRIMARY KEY)");

        // The connector of the recorded exchanges is called viaput.
        _worker.Then("delete_404", "GET", "/connectors/viaput").Then("put_config_create_201");
        await ExpectAsync(server, 0, "connector viaput: registered", "register");
        Assert.Contains($"\"database.password\":\"{Password}\"", _worker.Requests[1].Body, StringComparison.Ordinal);
        Assert.Contains("\"topic.prefix\":\"bank\"", _worker.Requests[1].Body, StringComparison.Ordinal);

        _worker.Then("status_viaput");
        await ExpectAsync(server, 1, "PostgreSQL has no slot fstore_connect", "status");
        await RunAsync(server, "SELECT pg_create_logical_replication_slot('fstore_connect', 'pgoutput')");
        _worker.Then("status_viaput");
        await ExpectAsync(server, 1, "RUNNING, task 0 RUNNING; slot fstore_connect idle, wal_status reserved", "status");
        _worker.Then("pause_202").Then("resume_202").Then("restart_204", path: "/connectors/viaput/restart?includeTasks=true&onlyFailed=false");
        await ExpectAsync(server, 0, "paused", "pause");
        await ExpectAsync(server, 0, "resumed", "resume");
        await ExpectAsync(server, 0, "restarted", "restart");
        _worker.Then("restart_failed_202", path: "/connectors/viaput/restart?includeTasks=true&onlyFailed=true");
        await ExpectAsync(server, 0, "restarted", "restart", "--only-failed");
        _worker.Then("delete_204");
        await ExpectAsync(server, 0, "deleted; its slot fstore_connect stays and holds WAL", "delete");
        _worker.Then("delete_404").Then("delete_404", "PUT", "/connectors/viaput/pause");
        await ExpectAsync(server, 0, "was not there", "delete");
        await ExpectAsync(server, 1, "has no connector viaput", "pause");
        _worker.Then("delete_404", "GET", "/connectors/viaput").Then("create_400_missing_prefix", "PUT", "/connectors/viaput/config");
        await ExpectAsync(server, 3, "The 'topic.prefix' value is invalid", "register");
        Assert.Empty(_worker.Faults);
    }

    [Theory]
    [InlineData("No Kafka Connect is named", "FSTORE__CONNECT__URL", "")]
    [InlineData("fstore.connect.url must be an address", "FSTORE__CONNECT__URL", "connect:8083")]
    [InlineData("fstore.connect.config.skipped.operations is not for settings", "FSTORE__CONNECT__CONFIG__SKIPPED.OPERATIONS", "t")]
    [InlineData("No PostgreSQL is named", "FSTORE__CONNECT__NAME", "x")]
    public async Task Register_WithWrongSettings_SaysWhichAndTheWayOut(string says, string variable, string value)
    {
        var environment = new Dictionary<string, string> { ["FSTORE__CONNECT__URL"] = _worker.Url, [variable] = value };
        var (code, text) = await RunAsync(environment, "register");
        Assert.True(code == 2 && text.Contains(says, StringComparison.Ordinal), $"{code}: {text}");
        Assert.Empty(_worker.Requests);
    }

    private async Task ExpectAsync(PostgresServer server, int code, string says, params string[] arguments)
    {
        var (actual, text) = await RunAsync(
            new Dictionary<string, string>
            {
                ["FSTORE__CONNECT__URL"] = _worker.Url,
                ["FSTORE__CONNECT__NAME"] = "viaput",
                ["FSTORE__POSTGRES__CONNECTION_STRING"] = $"Host=127.0.0.1;Port={server.Port};Username={server.User};Database=postgres",
                ["FSTORE__POSTGRES__PASSWORD"] = Password,
            },
            arguments);
        Assert.True(actual == code && text.Contains(says, StringComparison.Ordinal), $"{string.Join(' ', arguments)} gave {actual}: {text} {string.Join("; ", _worker.Faults)}");
        Assert.DoesNotContain(Password, text, StringComparison.Ordinal);
    }

    private async Task<(int Code, string Text)> RunAsync(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        using var process = _fstore.Start(environment, ["connector", .. arguments]);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await error);
    }

    private static async Task RunAsync(PostgresServer server, string sql)
    {
        await using var connection = new NpgsqlConnection($"Host=127.0.0.1;Port={server.Port};Username={server.User};Database=postgres;Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
