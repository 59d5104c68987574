using System.Data;
using System.Data.Common;

namespace FeatureStore.Registry.Sql;

/// <summary>Feast's tables as a whole: which are there, how they are made, and how a writer keeps others from them.</summary>
internal static class SqlSchema
{
    private const string Metadata = "feast_metadata";

    // Any number that nobody else takes; makers of tables wait for each other by it.
    private const long MakersLock = 4_663_737_208_134_001;

    // As long as writers of a registry file wait for each other.
    private const string WaitMax = "10s";

    public static HashSet<string> Tables(DbConnection connection, bool isSqlite, DbTransaction? transaction = null)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = isSqlite
            ? "SELECT name FROM sqlite_master WHERE type = 'table'"
            : "SELECT table_name FROM information_schema.tables WHERE table_schema = ANY (current_schemas(false))";
        using var reader = command.ExecuteReader();
        var tables = new HashSet<string>();
        while (reader.Read())
        {
            tables.Add(reader.GetString(0));
        }

        return tables;
    }

    /// <summary>Makes the tables that are missing.</summary>
    public static void Make(DbConnection connection, bool isSqlite)
    {
        var bytes = isSqlite ? "BLOB" : "BYTEA";
        using var transaction = connection.BeginTransaction(isSqlite ? IsolationLevel.Serializable : IsolationLevel.ReadCommitted);
        if (!isSqlite)
        {
            Execute(connection, transaction, FormattableString.Invariant($"SELECT pg_advisory_xact_lock({MakersLock})"));
        }

        foreach (var statement in SqlTable.All.SelectMany(t => t.Schema(bytes)).Concat(SqlVersions.Schema(bytes)).Concat(Rest(bytes)))
        {
            Execute(connection, transaction, statement);
        }

        transaction.Commit();
    }

    /// <summary>
    /// Begins a transaction in which nobody else writes. Feast holds a row of an object's table while it waits for one of the
    /// metadata's, so that table comes last: else each would wait for the other.
    /// </summary>
    public static DbTransaction BeginAlone(DbConnection connection, bool isSqlite)
    {
        // SQLite's writer is alone from the start of a serializable transaction.
        var transaction = connection.BeginTransaction(isSqlite ? IsolationLevel.Serializable : IsolationLevel.ReadCommitted);
        if (!isSqlite)
        {
            var tables = string.Join(", ", SqlTable.All.Select(t => t.Name).Append("managed_infra").Append(SqlVersions.Table).Append(Metadata));
            Execute(connection, transaction, $"SET LOCAL lock_timeout = '{WaitMax}'");
            Execute(connection, transaction, $"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE");
        }

        return transaction;
    }

    private static IEnumerable<string> Rest(string bytes) =>
    [
        "CREATE TABLE IF NOT EXISTS managed_infra (infra_name VARCHAR(255) NOT NULL, project_id VARCHAR(255) NOT NULL, last_updated_timestamp BIGINT NOT NULL, "
            + $"infra_proto {bytes} NOT NULL, PRIMARY KEY (infra_name, project_id))",
        "CREATE INDEX IF NOT EXISTS idx_managed_infra_project_id ON managed_infra (project_id)",
        $"CREATE TABLE IF NOT EXISTS {Metadata} (project_id VARCHAR(255) NOT NULL, metadata_key VARCHAR(50) NOT NULL, metadata_value TEXT NOT NULL, "
            + "last_updated_timestamp BIGINT NOT NULL, PRIMARY KEY (project_id, metadata_key))",
        $"CREATE INDEX IF NOT EXISTS idx_{Metadata}_project_id ON {Metadata} (project_id)",
    ];

    private static void Execute(DbConnection connection, DbTransaction transaction, string sql)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
