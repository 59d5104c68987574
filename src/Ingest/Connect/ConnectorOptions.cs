using System.Globalization;
using FeatureStore.Ingest.Postgres;
using Npgsql;

namespace FeatureStore.Ingest.Connect;

/// <summary>A Debezium connector for PostgreSQL, as this store needs it.</summary>
/// <param name="Prefix">First part of the topics' names.</param>
/// <param name="Slot">The replication slot; another one than native capture's.</param>
/// <param name="Tables">What is captured; the heartbeat's table comes with it.</param>
/// <param name="Further">Settings of the connector beside ours, or in place of those that are a matter of taste.</param>
public sealed record ConnectorOptions(PostgresAddress Address, string Prefix, string Slot, string Publication, IReadOnlyList<PostgresTable> Tables, IReadOnlyDictionary<string, string> Further)
{
    private const int HeartbeatMillis = 10_000;
    private const string Converter = "org.apache.kafka.connect.json.JsonConverter";

    /// <summary>Settings without which changes are lost, or told otherwise than they were. Not for others to say.</summary>
    public static IReadOnlyList<string> Owned { get; } =
    [
        "name", "connector.class", "tasks.max", "plugin.name", "topic.prefix", "slot.name", "slot.drop.on.stop", "publication.name", "publication.autocreate.mode", "table.include.list",
        "skipped.operations", "provide.transaction.metadata", "value.converter.replace.null.with.default", "key.converter.replace.null.with.default", "heartbeat.action.query", "database.password",
    ];

    /// <summary>Written now and then: without it a slot whose tables are quiet holds the WAL of all others.</summary>
    public PostgresTable Heartbeat { get; } = new("public", "fstore_heartbeat", [], ["id"]);

    internal IReadOnlyList<PostgresTable> AllTables => [.. Tables, Heartbeat];

    /// <summary>The connector's settings, the password among them.</summary>
    internal Dictionary<string, string> Config()
    {
        var database = new NpgsqlConnectionStringBuilder(Address.ConnectionString);
        var config = new Dictionary<string, string>
        {
            ["connector.class"] = "io.debezium.connector.postgresql.PostgresConnector",
            ["tasks.max"] = "1",
            ["plugin.name"] = "pgoutput",
            ["database.hostname"] = database.Host ?? string.Empty,
            ["database.port"] = database.Port.ToString(CultureInfo.InvariantCulture),
            ["database.user"] = database.Username ?? string.Empty,
            ["database.password"] = database.Password ?? string.Empty,
            ["database.dbname"] = database.Database ?? string.Empty,
            ["topic.prefix"] = Prefix,
            ["slot.name"] = Slot,
            ["slot.drop.on.stop"] = "false",
            ["publication.name"] = Publication,
            ["publication.autocreate.mode"] = "disabled",
            ["table.include.list"] = string.Join(',', AllTables),

            // Truncates are skipped by default, and a NULL becomes the column's default.
            ["skipped.operations"] = "none",
            ["provide.transaction.metadata"] = "true",
            ["value.converter.replace.null.with.default"] = "false",
            ["key.converter.replace.null.with.default"] = "false",

            // With schemas a time tells its unit; as bytes a decimal that is no number becomes NULL.
            ["key.converter"] = Converter,
            ["key.converter.schemas.enable"] = "true",
            ["value.converter"] = Converter,
            ["value.converter.schemas.enable"] = "true",
            ["decimal.handling.mode"] = "string",
            ["heartbeat.interval.ms"] = HeartbeatMillis.ToString(CultureInfo.InvariantCulture),
            ["heartbeat.action.query"] = $"INSERT INTO {Heartbeat} (id, at) VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET at = excluded.at",
        };
        foreach (var (name, value) in Further)
        {
            config[name] = value;
        }

        return config;
    }
}
