using Microsoft.Data.Sqlite;

namespace FeatureStore.OnlineStore.Sqlite;

/// <summary>Fences of tables, in a table of ours beside Feast's, read and raised in the transaction of the write that they guard.</summary>
internal static class SqliteFences
{
    /// <summary>Made with the first view's table.</summary>
    public const string Create = "CREATE TABLE IF NOT EXISTS fstore_fences (table_name TEXT PRIMARY KEY, fence INTEGER NOT NULL) WITHOUT ROWID";

    /// <exception cref="FenceLostException">The write's fence does not stand.</exception>
    public static async Task CheckAsync(SqliteTransaction transaction, OnlineTable table, OnlineWrite write, CancellationToken cancellationToken)
    {
        if (write.Fence is { } fence && await StandingAsync(transaction, table, cancellationToken) is var standing && standing != fence)
        {
            throw new FenceLostException(table.View, standing);
        }
    }

    public static async Task<long> RaiseAsync(SqliteTransaction transaction, OnlineTable table, long fence, CancellationToken cancellationToken)
    {
        using var raise = SqliteSql.Command(
            transaction,
            $"{Create}; INSERT INTO fstore_fences VALUES ($table, $fence) ON CONFLICT (table_name) DO UPDATE SET fence = max(fence, excluded.fence) RETURNING fence");
        SqliteSql.Set(raise, "$table", SqliteSql.TableName(table));
        SqliteSql.Set(raise, "$fence", fence);
        return (long)(await raise.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>The fence that stands, or null. A file that Feast made has no table of fences until the first is raised.</summary>
    public static async Task<long?> StandingAsync(SqliteTransaction transaction, OnlineTable table, CancellationToken cancellationToken)
    {
        using var exists = SqliteSql.Command(transaction, "SELECT count(*) FROM sqlite_master WHERE name = 'fstore_fences'");
        if ((long)(await exists.ExecuteScalarAsync(cancellationToken))! == 0)
        {
            return null;
        }

        using var select = SqliteSql.Command(transaction, "SELECT fence FROM fstore_fences WHERE table_name = $table");
        SqliteSql.Set(select, "$table", SqliteSql.TableName(table));
        return await select.ExecuteScalarAsync(cancellationToken) as long?;
    }

    public static async Task RemoveAsync(SqliteTransaction transaction, IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken)
    {
        using var delete = SqliteSql.Command(transaction, $"{Create}; DELETE FROM fstore_fences WHERE table_name = $table");
        foreach (var table in tables)
        {
            SqliteSql.Set(delete, "$table", SqliteSql.TableName(table));
            await delete.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}
