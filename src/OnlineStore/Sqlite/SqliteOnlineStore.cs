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
    // Result codes of sqlite3.h.
    private const int SqliteError = 1;
    private const int SqliteCorrupt = 11;
    private const int SqliteNotADatabase = 26;

    private readonly string _path;
    private readonly string _connectionString;
    private readonly SqliteReaders _readers;
    private DateTime _born;

    /// <param name="path">The database file; made on the first <see cref="EnsureTablesAsync"/>.</param>
    public SqliteOnlineStore(string path)
    {
        _path = path;
        _connectionString = new SqliteConnectionStringBuilder { DataSource = path, DefaultTimeout = 30 }.ToString();
        _readers = new SqliteReaders(_connectionString);
    }

    /// <inheritdoc/>
    public Task EnsureTablesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(_path))!);
        return RunAsync(async connection =>
        {
            await ExecuteAsync(connection, "PRAGMA journal_mode=WAL", cancellationToken);
            foreach (var table in tables)
            {
                var name = SqliteSql.Table(table);
                await ExecuteAsync(
                    connection,
                    $"CREATE TABLE IF NOT EXISTS {name} (entity_key BLOB, feature_name TEXT, value BLOB, value_text TEXT, "
                    + "vector_value BLOB, event_ts timestamp, created_ts timestamp, PRIMARY KEY(entity_key, feature_name))",
                    cancellationToken);
                await ExecuteAsync(
                    connection, $"CREATE INDEX IF NOT EXISTS {SqliteSql.Quote(SqliteSql.TableName(table) + "_ek")} ON {name} (entity_key)", cancellationToken);
            }

            return 0;
        });
    }

    /// <inheritdoc/>
    public Task<OnlineRead[][]> ReadAsync(
        IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        GuardedAsync(() => Task.FromResult(_readers.Read(tables, entityKeys, cancellationToken)));

    /// <inheritdoc/>
    public Task<OnlineWriteCounts> WriteAsync(
        OnlineTable table, IReadOnlyList<EncodedRow> rows, OnlineWrite write, CancellationToken cancellationToken) =>
        RunAsync(async connection =>
        {
            await using var transaction = connection.BeginTransaction(deferred: false);
            await SqliteFences.CheckAsync(transaction, table, write, cancellationToken);
            var written = await SqliteWriter.WriteAsync(transaction, table, rows, write.Rule, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return new OnlineWriteCounts(written, rows.Count - written);
        });

    /// <inheritdoc/>
    public Task<long> RaiseFenceAsync(OnlineTable table, long fence, CancellationToken cancellationToken) => RunAsync(async connection =>
    {
        await using var transaction = connection.BeginTransaction(deferred: false);
        var standing = await SqliteFences.RaiseAsync(transaction, table, fence, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return standing;
    });

    /// <inheritdoc/>
    public Task MarkWholeAsync(OnlineTable table, long fence, CancellationToken cancellationToken) => RunAsync(async connection =>
    {
        await using var transaction = connection.BeginTransaction(deferred: false);
        await SqliteFences.CheckAsync(transaction, table, new OnlineWrite(default, fence), cancellationToken);
        await SqliteFences.MarkWholeAsync(transaction, table, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return 0;
    });

    /// <inheritdoc/>
    public Task<IReadOnlyList<OnlineFence>> FencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken)
    {
        ForgetReplacedFile();
        return File.Exists(_path)
            ? RunAsync(connection => FencesAsync(connection, tables, cancellationToken))
            : Task.FromResult<IReadOnlyList<OnlineFence>>(new OnlineFence[tables.Count]);
    }

    /// <inheritdoc/>
    public Task RemoveFencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => RunAsync(async connection =>
    {
        await using var transaction = connection.BeginTransaction(deferred: false);
        await SqliteFences.RemoveAsync(transaction, tables, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return 0;
    });

    /// <inheritdoc/>
    public Task RecordKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public IAsyncEnumerable<IReadOnlyList<byte[]>> RecordedKeysAsync(OnlineTable table, CancellationToken cancellationToken) =>
        AsyncEnumerable.Empty<IReadOnlyList<byte[]>>();

    /// <inheritdoc/>
    public Task ForgetKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task RemoveRowsAsync(
        IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        RunAsync(async connection =>
        {
            await using var transaction = connection.BeginTransaction(deferred: false);
            foreach (var table in tables)
            {
                using var delete = SqliteSql.Command(transaction, $"DELETE FROM {SqliteSql.Table(table)} WHERE entity_key = $key");
                foreach (var key in entityKeys)
                {
                    SqliteSql.Set(delete, "$key", key);
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
                await ExecuteAsync(connection, $"DROP TABLE IF EXISTS {SqliteSql.Table(table)}", cancellationToken);
            }

            await using var transaction = connection.BeginTransaction(deferred: false);
            await SqliteFences.RemoveAsync(transaction, tables, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return 0;
        });

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _readers.Dispose();
        using var connection = new SqliteConnection(_connectionString);
        SqliteConnection.ClearPool(connection);
        return ValueTask.CompletedTask;
    }

    private static async Task<IReadOnlyList<OnlineFence>> FencesAsync(
        SqliteConnection connection, IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken)
    {
        await using var transaction = connection.BeginTransaction(deferred: true);
        var fences = new OnlineFence[tables.Count];
        for (var t = 0; t < fences.Length; t++)
        {
            fences[t] = await SqliteFences.ReadAsync(transaction, tables[t], cancellationToken);
        }

        return fences;
    }

    // A connection that was kept still reads a file that was removed since.
    private void ForgetReplacedFile()
    {
        var born = File.GetCreationTimeUtc(_path);
        if (born != _born)
        {
            using var connection = new SqliteConnection(_connectionString);
            SqliteConnection.ClearPool(connection);
            _readers.Forget();
            _born = born;
        }
    }

    private static async Task ExecuteAsync(SqliteConnection connection, string sql, CancellationToken cancellationToken)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private Task<T> RunAsync<T>(Func<SqliteConnection, Task<T>> work) => GuardedAsync(async () =>
    {
        await using var connection = new SqliteConnection(_connectionString);
        await connection.OpenAsync(CancellationToken.None);
        return await work(connection);
    });

    private async Task<T> GuardedAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
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
