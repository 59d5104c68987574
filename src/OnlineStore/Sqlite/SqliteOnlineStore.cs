using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using Microsoft.Data.Sqlite;

namespace FeatureStore.OnlineStore.Sqlite;

/// <summary>
/// Feast's SQLite layout: a table <c>"project_view"</c> with one row per feature, times in whole seconds since the epoch
/// (UTC; see <c>infra/online_stores/sqlite.py</c>). Readers run beside one writer (WAL).
/// </summary>
public sealed class SqliteOnlineStore : IOnlineStore
{
    // SQLite takes 32,766 parameters in a statement; a round number below keeps statements few and cached.
    private const int KeysPerQueryMax = 1000;
    // Result codes of sqlite3.h.
    private const int SqliteError = 1;
    private const int SqliteCorrupt = 11;
    private const int SqliteNotADatabase = 26;
    private const long MicrosPerSecond = 1_000_000;

    private readonly string _path;
    private readonly string _connectionString;

    /// <param name="path">The database file; made on the first <see cref="EnsureTablesAsync"/>.</param>
    public SqliteOnlineStore(string path)
    {
        _path = path;
        _connectionString = new SqliteConnectionStringBuilder { DataSource = path, DefaultTimeout = 30 }.ToString();
    }

    /// <inheritdoc/>
    public Task EnsureTablesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) =>
        RunAsync(async connection =>
        {
            await ExecuteAsync(connection, null, "PRAGMA journal_mode=WAL", cancellationToken);
            foreach (var table in tables)
            {
                var name = Quote(TableName(table));
                await ExecuteAsync(
                    connection,
                    null,
                    $"CREATE TABLE IF NOT EXISTS {name} (entity_key BLOB, feature_name TEXT, value BLOB, value_text TEXT, "
                    + "vector_value BLOB, event_ts timestamp, created_ts timestamp, PRIMARY KEY(entity_key, feature_name))",
                    cancellationToken);
                await ExecuteAsync(
                    connection, null, $"CREATE INDEX IF NOT EXISTS {Quote(TableName(table) + "_ek")} ON {name} (entity_key)", cancellationToken);
            }

            return 0;
        });

    /// <inheritdoc/>
    public Task<OnlineRead[][]> ReadAsync(
        IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        RunAsync(async connection =>
        {
            var result = new OnlineRead[tables.Count][];
            for (var t = 0; t < tables.Count; t++)
            {
                result[t] = await ReadTableAsync(connection, tables[t], entityKeys, cancellationToken);
            }

            return result;
        });

    /// <inheritdoc/>
    public Task<OnlineWriteCounts> WriteAsync(
        OnlineTable table, IReadOnlyList<EncodedRow> rows, OnlineWriteRule rule, CancellationToken cancellationToken) =>
        RunAsync(async connection =>
        {
            await using var transaction = connection.BeginTransaction(deferred: false);
            using var stored = Command(connection, transaction, $"SELECT max(event_ts) FROM {Quote(TableName(table))} WHERE entity_key = $key");
            using var upsert = Command(
                connection,
                transaction,
                $"INSERT OR REPLACE INTO {Quote(TableName(table))} (entity_key, feature_name, value, value_text, vector_value, event_ts, created_ts) "
                + "VALUES ($key, $feature, $value, $text, NULL, $event, $created)");
            var written = 0;
            foreach (var row in rows)
            {
                var time = Seconds(row.EventTimeMicros);
                Set(stored, "$key", row.EntityKey);
                if (await stored.ExecuteScalarAsync(cancellationToken) is long old and > 0
                    && (time < old || (time == old && rule == OnlineWriteRule.NewerWins)))
                {
                    continue;
                }

                for (var f = 0; f < table.Features.Count; f++)
                {
                    Set(upsert, "$key", row.EntityKey);
                    Set(upsert, "$feature", table.Features[f]);
                    Set(upsert, "$value", row.Values[f]);
                    Set(upsert, "$text", ValueText.Of(row.Values[f]));
                    Set(upsert, "$event", time);
                    Set(upsert, "$created", row.CreatedTimeMicros is { } created ? Seconds(created) : null);
                    await upsert.ExecuteNonQueryAsync(cancellationToken);
                }

                written++;
            }

            await transaction.CommitAsync(cancellationToken);
            return new OnlineWriteCounts(written, rows.Count - written);
        });

    /// <inheritdoc/>
    public Task RemoveRowsAsync(
        IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        RunAsync(async connection =>
        {
            await using var transaction = connection.BeginTransaction(deferred: false);
            foreach (var table in tables)
            {
                using var delete = Command(connection, transaction, $"DELETE FROM {Quote(TableName(table))} WHERE entity_key = $key");
                foreach (var key in entityKeys)
                {
                    Set(delete, "$key", key);
                    await delete.ExecuteNonQueryAsync(cancellationToken);
                }
            }

            await transaction.CommitAsync(cancellationToken);
            return 0;
        });

    /// <inheritdoc/>
    public Task RemoveTablesAsync(IReadOnlyList<OnlineTable> tables, EntityKeyShape keys, CancellationToken cancellationToken) =>
        RunAsync(async connection =>
        {
            foreach (var table in tables)
            {
                await ExecuteAsync(connection, null, $"DROP TABLE IF EXISTS {Quote(TableName(table))}", cancellationToken);
            }

            return 0;
        });

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        using var connection = new SqliteConnection(_connectionString);
        SqliteConnection.ClearPool(connection);
        return ValueTask.CompletedTask;
    }

    private static async Task<OnlineRead[]> ReadTableAsync(
        SqliteConnection connection, OnlineTable table, IReadOnlyList<byte[]> keys, CancellationToken cancellationToken)
    {
        var columns = table.Features.Select((name, i) => (name, i)).ToLookup(f => f.name, f => f.i);
        var rows = new Dictionary<string, (long? Time, byte[]?[] Values)>();
        foreach (var chunk in keys.Chunk(KeysPerQueryMax))
        {
            var names = Enumerable.Range(0, chunk.Length).Select(i => $"$k{i}").ToArray();
            using var select = Command(
                connection,
                null,
                $"SELECT entity_key, feature_name, value, event_ts FROM {Quote(TableName(table))} WHERE entity_key IN ({string.Join(',', names)})");
            for (var i = 0; i < chunk.Length; i++)
            {
                Set(select, names[i], chunk[i]);
            }

            await using var reader = await select.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                var key = Convert.ToHexString((byte[])reader[0]);
                var row = rows.TryGetValue(key, out var known) ? known : (null, new byte[]?[table.Features.Count]);
                foreach (var column in columns[reader.GetString(1)])
                {
                    row.Values[column] = await reader.IsDBNullAsync(2, cancellationToken) ? [] : (byte[])reader[2];
                }

                var time = reader.GetInt64(3) * MicrosPerSecond;
                rows[key] = (row.Time is null || time > row.Time ? time : row.Time, row.Values);
            }
        }

        return [.. keys.Select(k => rows.TryGetValue(Convert.ToHexString(k), out var row)
            ? new OnlineRead(row.Time, row.Values)
            : new OnlineRead(null, new byte[]?[table.Features.Count]))];
    }

    private static string TableName(OnlineTable table) => $"{table.Project}_{table.View}";

    private static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    // Rounds toward the past, so that a row never looks newer than it is.
    private static long Seconds(long micros) => (long)Math.Floor(micros / (decimal)MicrosPerSecond);

    private static SqliteCommand Command(SqliteConnection connection, SqliteTransaction? transaction, string sql)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        return command;
    }

    private static void Set(SqliteCommand command, string name, object? value)
    {
        if (command.Parameters.Contains(name))
        {
            command.Parameters[name].Value = value ?? DBNull.Value;
        }
        else
        {
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }
    }

    private static async Task ExecuteAsync(
        SqliteConnection connection, SqliteTransaction? transaction, string sql, CancellationToken cancellationToken)
    {
        using var command = Command(connection, transaction, sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<T> RunAsync<T>(Func<SqliteConnection, Task<T>> work)
    {
        try
        {
            await using var connection = new SqliteConnection(_connectionString);
            await connection.OpenAsync(CancellationToken.None);
            return await work(connection);
        }
        catch (SqliteException e) when (e.SqliteErrorCode == SqliteError && e.Message.Contains("no such table", StringComparison.Ordinal))
        {
            throw new OnlineStoreException($"The online store {_path} lacks a view's table ({e.Message}); run 'fstore apply'.", e);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is SqliteCorrupt or SqliteNotADatabase)
        {
            throw new OnlineStoreException(
                $"The online store {_path} is damaged: {e.Message}; remove it, then apply and materialize again.", e);
        }
        catch (SqliteException e)
        {
            throw new OnlineStoreException($"The online store {_path} cannot be used: {e.Message}.", e);
        }
    }
}
