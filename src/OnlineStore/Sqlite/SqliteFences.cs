using Microsoft.Data.Sqlite;

namespace FeatureStore.OnlineStore.Sqlite;

/// <summary>Fences of tables, in a table of ours beside Feast's, read and raised in the transaction of the write that they guard.</summary>
internal static class SqliteFences
{
    /// <summary>Made with the first view's table.</summary>
    public const string Create = "CREATE TABLE IF NOT EXISTS fstore_fences (table_name TEXT PRIMARY KEY, fence INTEGER NOT NULL, whole INTEGER) WITHOUT ROWID";

    /// <exception cref="FenceLostException">The write's fence does not stand.</exception>
    public static async Task CheckAsync(SqliteTransaction transaction, OnlineTable table, OnlineWrite write, CancellationToken cancellationToken)
    {
        if (write.Fence is { } fence && (await ReadAsync(transaction, table, cancellationToken)).Standing is var standing && standing != fence)
        {
            throw new FenceLostException(table.View, standing);
        }
    }

    public static async Task<long> RaiseAsync(SqliteTransaction transaction, OnlineTable table, long fence, CancellationToken cancellationToken)
    {
        using var raise = SqliteSql.Command(
            transaction,
            $"{Create}; INSERT INTO fstore_fences (table_name, fence) VALUES ($table, $fence) ON CONFLICT (table_name) DO UPDATE SET fence = max(fence, excluded.fence) RETURNING fence");
        SqliteSql.Set(raise, "$table", SqliteSql.TableName(table));
        SqliteSql.Set(raise, "$fence", fence);
        return (long)(await raise.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Marks a table whole whose fence was checked in this transaction.</summary>
    public static async Task MarkWholeAsync(SqliteTransaction transaction, OnlineTable table, CancellationToken cancellationToken)
    {
        using var mark = SqliteSql.Command(transaction, "UPDATE fstore_fences SET whole = fence WHERE table_name = $table");
        SqliteSql.Set(mark, "$table", SqliteSql.TableName(table));
        await mark.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The fence and the mark. A file that Feast made has no table of them until the first is raised.</summary>
    public static async Task<OnlineFence> ReadAsync(SqliteTransaction transaction, OnlineTable table, CancellationToken cancellationToken)
    {
        using var exists = SqliteSql.Command(transaction, "SELECT count(*) FROM sqlite_master WHERE name = 'fstore_fences'");
        if ((long)(await exists.ExecuteScalarAsync(cancellationToken))! == 0)
        {
            return default;
        }

        using var select = SqliteSql.Command(transaction, "SELECT fence, whole FROM fstore_fences WHERE table_name = $table");
        SqliteSql.Set(select, "$table", SqliteSql.TableName(table));
        await using var reader = await select.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? new OnlineFence(reader[0] as long?, reader[1] as long?) : default;
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
