using System.CommandLine;
using System.Globalization;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Ingest.Connect;
using FeatureStore.Ingest.Postgres;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore connector</c>: Debezium's connector on Kafka Connect, which sends PostgreSQL's changes to Kafka.</summary>
internal static class ConnectorVerb
{
    public static Command Create() => new("connector", "Debezium's connector on Kafka Connect, which sends PostgreSQL's changes to Kafka; each verb may be run again.")
    {
        Register(),
        Status(),
        Simple("pause", "Let it stand still; its slot holds WAL meanwhile.", "paused", (client, token) => client.PauseAsync(token)),
        Simple("resume", "Let it go on.", "resumed", (client, token) => client.ResumeAsync(token)),
        Restart(),
        Delete(),
    };

    private static Command Register()
    {
        var command = new Command("register", "Make the heartbeat's table, the publication and the connector, or change the connector to what is declared. Example: fstore connector register");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var config = GlobalOptions.Repo(parsed).Config;
            using var client = ConnectorSettings.Client(config);
            var done = await new Connector(ConnectorSettings.Options(config), client).RegisterAsync(cancellationToken);
            Tell(parsed, config, $"{done.Outcome}{(done.Changed.Count > 0 ? $" ({string.Join(", ", done.Changed)})" : string.Empty)}", new { Connector = ConnectorSettings.Name(config), done.Outcome, done.Changed });
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Status()
    {
        var command = new Command("status", "What the worker says, and what PostgreSQL says of the slot; exit code 1 if changes are not delivered. Example: fstore connector status");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var config = GlobalOptions.Repo(parsed).Config;
            using var client = ConnectorSettings.Client(config);
            var health = await new Connector(ConnectorSettings.Options(config), client).StatusAsync(cancellationToken);
            Tell(parsed, config, Text(health), new { Connector = ConnectorSettings.Name(config), health.State, health.Tasks, health.Slot, health.SlotActive, health.WalStatus, health.ConfirmedLsn, health.LagBytes, health.Faults });
            return health.Faults.Count == 0 ? ExitCodes.Ok : ExitCodes.No;
        });
        return command;
    }

    private static Command Restart()
    {
        var onlyFailed = new Option<bool>("--only-failed") { Description = "Only what failed." };
        var command = Simple("restart", "Start it and its tasks again.", "restarted", null);
        command.Add(onlyFailed);
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, "restarted", (client, token) => client.RestartAsync(parsed.GetValue(onlyFailed), token), cancellationToken));
        return command;
    }

    private static Command Delete()
    {
        var command = new Command("delete", "Take it out of Kafka Connect; topics and slot stay. Example: fstore connector delete");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var config = GlobalOptions.Repo(parsed).Config;
            using var client = ConnectorSettings.Client(config);
            var outcome = await client.DeleteAsync(cancellationToken) ? "deleted" : "was not there";
            var (slot, isLeft) = await SlotAsync(config, client, cancellationToken);
            Tell(
                parsed,
                config,
                isLeft ? $"{outcome}; its slot {slot} stays and holds WAL: SELECT pg_drop_replication_slot('{slot}') when nobody is to go on from it" : outcome,
                new { Connector = ConnectorSettings.Name(config), Outcome = outcome, Slot = isLeft ? slot : null });
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Simple(string name, string does, string outcome, Func<ConnectClient, CancellationToken, Task<bool>>? ask)
    {
        var command = new Command(name, $"{does} Example: fstore connector {name}");
        if (ask is not null)
        {
            command.SetAction((parsed, cancellationToken) => RunAsync(parsed, outcome, ask, cancellationToken));
        }

        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, string outcome, Func<ConnectClient, CancellationToken, Task<bool>> ask, CancellationToken cancellationToken)
    {
        var config = GlobalOptions.Repo(parsed).Config;
        using var client = ConnectorSettings.Client(config);
        if (!await ask(client, cancellationToken))
        {
            Console.Error.WriteLine($"fstore: Kafka Connect at {client.Address} has no connector {ConnectorSettings.Name(config)}; run 'fstore connector register'.");
            return ExitCodes.No;
        }

        Tell(parsed, config, outcome, new { Connector = ConnectorSettings.Name(config), Outcome = outcome });
        return ExitCodes.Ok;
    }

    // The connector is gone by now, whether or not the database can tell of its slot.
    private static async Task<(string? Slot, bool IsLeft)> SlotAsync(Registry.Configuration.RepoConfig config, ConnectClient client, CancellationToken cancellationToken)
    {
        try
        {
            var options = ConnectorSettings.Options(config);
            return (options.Slot, await new Connector(options, client).HasSlotAsync(cancellationToken));
        }
        catch (Exception e) when (e is PostgresSourceException or UsageException)
        {
            return (null, false);
        }
    }

    private static void Tell(ParseResult parsed, Registry.Configuration.RepoConfig config, string text, object data) =>
        Answer.Object(parsed.GetValue(GlobalOptions.Json), $"connector {ConnectorSettings.Name(config)}: {text}", data);

    private static string Text(ConnectorHealth health)
    {
        var tasks = health.Tasks.Count == 0 ? "no tasks" : string.Join(", ", health.Tasks.Select(t => string.Create(CultureInfo.InvariantCulture, $"task {t.Id} {t.State}")));
        var slot = health.SlotActive is { } isActive
            ? string.Create(CultureInfo.InvariantCulture, $"{(isActive ? "active" : "idle")}, wal_status {health.WalStatus ?? "none"}, {health.LagBytes ?? 0:N0} bytes behind, confirmed {health.ConfirmedLsn ?? "nothing"}")
            : "not seen";
        return $"{health.State}, {tasks}; slot {health.Slot} {slot}{string.Concat(health.Faults.Select(f => $"\n  {f}"))}";
    }
}
