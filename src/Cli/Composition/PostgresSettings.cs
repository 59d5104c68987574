using FeatureStore.Ingest.Import;
using FeatureStore.Ingest.Postgres;
using FeatureStore.Registry.Configuration;

namespace FeatureStore.Cli.Composition;

/// <summary>
/// What <c>feature_store.yaml</c> says of the source database under <c>fstore: postgres:</c>: <c>connection_string</c>, and <c>password</c> apart from it where that comes
/// from a file (<c>FSTORE__POSTGRES__PASSWORD_FILE</c>).
/// </summary>
internal static class PostgresSettings
{
    private const string Schema = "public";

    /// <exception cref="UsageException">The block is absent or wrong.</exception>
    public static PostgresAddress Address(RepoConfig config)
    {
        var text = Text(config, "connection_string")
            ?? throw new UsageException($"No PostgreSQL is named: set fstore.postgres.connection_string in {RepoConfig.FileName}, or FSTORE__POSTGRES__CONNECTION_STRING (or a _FILE of it), as 'Host=db;Database=bank;Username=fstore'.");
        var address = PostgresAddress.Parse(text);
        return Text(config, "password") is { } password ? address.WithPassword(password) : address;
    }

    /// <summary>The source table of a topic.</summary>
    public static PostgresTable Table(ImportTable table) => new(Schema, table.Name, table.Columns, [table.KeyColumn]);

    /// <summary>A key of the block; null if it is not there.</summary>
    public static string? Text(RepoConfig config, string key) => KafkaSettings.Text(IngestSettings.Block(config.Fstore, "postgres", "fstore.postgres"), key, "fstore.postgres");
}
