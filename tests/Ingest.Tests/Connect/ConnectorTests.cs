using System.Text.Json.Nodes;
using FeatureStore.Ingest.Connect;
using FeatureStore.Ingest.Postgres;
using FeatureStore.Tests.Servers;
using Npgsql;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;

namespace FeatureStore.Ingest.Tests.Connect;

/// <summary>A connector beside a real PostgreSQL: a worker's word is not enough.</summary>
public sealed class ConnectorTests : IAsyncLifetime
{
    private const string Slot = "s";
    private readonly ConnectWorker _worker = new();
    private PostgresServer? _server;

    private PostgresServer Server => _server!;

    private string ConnectionString => $"Host=127.0.0.1;Port={Server.Port};Username={Server.User};Password=hunter2;Database=postgres;Pooling=false";

    public async Task InitializeAsync()
    {
        try
        {
            _server = await PostgresServer.StartAsync("wal_level=logical");
        }
        catch (SkipException)
        {
            // Each test says so by itself.
        }
    }

    public async Task DisposeAsync()
    {
        _worker.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    [SkippableFact]
    public async Task Register_AgainAndChanged_PutsOnlyWhatIsNew()
    {
        PostgresServer.Need();
        await RunAsync("CREATE TABLE t (id text PRIMARY KEY)");
        using var client = Client("viaput");
        _worker.Then("delete_404", "GET", "/connectors/viaput").Then("put_config_create_201");
        Assert.Equal("registered", (await Connector(client).RegisterAsync(default)).Outcome);
        var body = _worker.Requests[1].Body;
        var config = JsonNode.Parse(body)!;
        Assert.Equal("none", (string)config["skipped.operations"]!);
        Assert.Equal("true", (string)config["provide.transaction.metadata"]!);
        Assert.Equal("false", (string)config["value.converter.replace.null.with.default"]!);
        Assert.Equal("public.t,public.fstore_heartbeat", (string)config["table.include.list"]!);
        Assert.Equal("hunter2", (string)config["database.password"]!);
        Assert.Contains("ON CONFLICT", (string)config["heartbeat.action.query"]!, StringComparison.Ordinal);

        // The heartbeat that the connector will write, and its table is published.
        await RunAsync((string)config["heartbeat.action.query"]!);
        Assert.Equal(2L, await ScalarAsync("SELECT count(*) FROM pg_publication_tables WHERE pubname = 'p'"));

        config["name"] = "viaput";
        _worker.Answer("GET", "/connectors/viaput", 200, new JsonObject { ["name"] = "viaput", ["config"] = config.DeepClone() }.ToJsonString());
        Assert.Equal("unchanged", (await Connector(client).RegisterAsync(default)).Outcome);
        config["skipped.operations"] = "t";
        config["poll.interval.ms"] = "7";
        _worker.Answer("GET", "/connectors/viaput", 200, new JsonObject { ["name"] = "viaput", ["config"] = config.DeepClone() }.ToJsonString()).Then("put_config_create_201");
        var changed = await Connector(client).RegisterAsync(default);
        Assert.Equal(("changed", "poll.interval.ms, skipped.operations"), (changed.Outcome, string.Join(", ", changed.Changed)));
        Assert.Equal(body, _worker.Requests[^1].Body);
        Assert.Empty(_worker.Faults);
    }

    [SkippableFact]
    public async Task Status_RunningButNobodyReadsTheSlot_IsAFault()
    {
        await PrepareAsync();
        using var client = Client("rst");
        _worker.Then("status_after_postgres_back").Then("status_after_postgres_back");

        var dead = await Connector(client).StatusAsync(default);
        Assert.Equal(("RUNNING", false), (dead.State, dead.SlotActive));
        Assert.Contains("nobody reads slot s: it delivers nothing", Assert.Single(dead.Faults), StringComparison.Ordinal);

        await using var reader = new LogicalReplicationConnection(ConnectionString);
        await reader.Open();
        using var stop = new CancellationTokenSource();
        var reading = Task.Run(async () =>
        {
            await foreach (var message in reader.StartReplication(new PgOutputReplicationSlot(Slot), new PgOutputReplicationOptions("p", PgOutputProtocolVersion.V1), stop.Token))
            {
                reader.SetReplicationStatus(message.WalEnd);
            }
        });
        await TestProgram.PollAsync("A reader of the slot", async _ => (bool)(await ScalarAsync("SELECT active FROM pg_replication_slots"))!);
        var alive = await Connector(client).StatusAsync(default);
        Assert.Empty(alive.Faults);
        Assert.Equal((true, "reserved"), (alive.SlotActive, alive.WalStatus));
        Assert.NotNull(alive.LagBytes);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    [SkippableTheory]
    [InlineData("inval", "status_slot_invalidated", "RUNNING without a task")]
    [InlineData("slot", "status_slot_dropped_while_stopped", "Task 0 is FAILED: io.debezium.DebeziumException")]
    [InlineData("viaput", "status_paused", "is PAUSED")]
    [InlineData("nosuch", "status_404", "not registered")]
    public async Task Status_WhatTheWorkerTells_IsAFault(string name, string exchange, string says)
    {
        await PrepareAsync();
        using var client = Client(name);
        _worker.Then(exchange);
        Assert.Contains((await Connector(client).StatusAsync(default)).Faults, f => f.Contains(says, StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task Status_SlotGoneOrTableUnpublished_IsAFaultWhateverTheWorkerSays()
    {
        await PrepareAsync();
        await RunAsync("SELECT pg_drop_replication_slot('s'); ALTER PUBLICATION p DROP TABLE t");
        using var client = Client("slot2");
        _worker.Then("status_slot_dropped_while_running");
        var faults = (await Connector(client).StatusAsync(default)).Faults;
        Assert.Contains(faults, f => f.Contains("has no slot s", StringComparison.Ordinal));
        Assert.Contains(faults, f => f.Contains("does not publish every change of public.t", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task Status_DatabaseAway_IsAFaultAmongTheOthers()
    {
        PostgresServer.Need();
        using var client = Client("rst");
        _worker.Then("status_postgres_down");
        var address = PostgresAddress.Parse("Host=127.0.0.1;Port=1;Username=x;Password=hunter2;Database=bank");
        var health = await new Connector(Options() with { Address = address }, client).StatusAsync(default);
        Assert.Contains("cannot be reached", Assert.Single(health.Faults), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", health.ToString() + health.Faults[0], StringComparison.Ordinal);
    }

    private async Task PrepareAsync()
    {
        PostgresServer.Need();
        await RunAsync("CREATE TABLE t (id text PRIMARY KEY); CREATE TABLE fstore_heartbeat (id int PRIMARY KEY, at timestamptz); CREATE PUBLICATION p FOR TABLE t, fstore_heartbeat");
        await RunAsync($"SELECT pg_create_logical_replication_slot('{Slot}', 'pgoutput')");
    }

    private ConnectClient Client(string name) => new(new Uri(_worker.Url), name, null, TimeProvider.System);

    private ConnectorOptions Options() =>
        new(PostgresAddress.Parse(ConnectionString), "bank", Slot, "p", [new PostgresTable("public", "t", [], ["id"])], new Dictionary<string, string>());

    private Connector Connector(ConnectClient client) => new(Options(), client);

    private async Task RunAsync(string sql) => _ = await ScalarAsync(sql);

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
