using FeatureStore.OfflineStore.Lake;
using Npgsql;
using NpgsqlTypes;

namespace FeatureStore.Ingest.Postgres;

/// <summary>A change to write: <c>c</c>, <c>u</c> or <c>d</c>, and the row's values (of a delete, those before it).</summary>
public readonly record struct SourceChange(string Op, object?[] Values);

/// <summary>
/// Writes changes into a source database, as the bank's own programs would: inserts by COPY, the rest by statements, and the
/// progress in the same transaction, so a repeat writes nothing twice.
/// </summary>
public sealed class SourceWriter : IAsyncDisposable
{
    private const int BatchStatements = 500;

    // Two runs at once would both find the same progress.
    private const long LockKey = 0x6673_746F_7265;
    private readonly PostgresAddress _address;
    private readonly NpgsqlConnection _connection;

    private SourceWriter(PostgresAddress address, NpgsqlConnection connection) => (_address, _connection) = (address, connection);

    /// <summary>Connects, and makes the tables that are absent.</summary>
    /// <exception cref="PostgresSourceException">The server cannot be reached, or refuses.</exception>
    public static async Task<SourceWriter> OpenAsync(PostgresAddress address, IReadOnlyList<PostgresTable> tables, CancellationToken cancellationToken)
    {
        var writer = new SourceWriter(address, await address.OpenAsync(cancellationToken));
        try
        {
            await writer.GuardedAsync(async () =>
            {
                await writer.ExecuteAsync($"SELECT pg_advisory_lock({LockKey})", cancellationToken);
                await writer.ExecuteAsync("CREATE TABLE IF NOT EXISTS public.fstore_generated (name text PRIMARY KEY, number bigint NOT NULL)", cancellationToken);
                foreach (var table in tables)
                {
                    await writer.ExecuteAsync(Definition(table), cancellationToken);
                }
            });
            return writer;
        }
        catch
        {
            await writer.DisposeAsync();
            throw;
        }
    }

    /// <summary>A number that was chosen once for this database: the first choice stays.</summary>
    public Task<long> KeepAsync(string name, long choice, CancellationToken cancellationToken) => GuardedAsync(async () =>
    {
        await using var keep = new NpgsqlCommand(
            "WITH new AS (INSERT INTO public.fstore_generated VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING number) SELECT number FROM new UNION ALL SELECT number FROM public.fstore_generated WHERE name = $1",
            _connection)
        { Parameters = { new() { Value = name }, new() { Value = choice } } };
        return (long)(await keep.ExecuteScalarAsync(cancellationToken))!;
    });

    /// <summary>Writes changes of a table and a number of progress in one transaction. Creates go first, so none of them may follow another change of its key.</summary>
    /// <exception cref="PostgresSourceException">The server refuses; nothing was written.</exception>
    public Task WriteAsync(PostgresTable table, IReadOnlyList<SourceChange> changes, string progress, long done, CancellationToken cancellationToken) => GuardedAsync(async () =>
    {
        await using var transaction = await _connection.BeginTransactionAsync(cancellationToken);
        await CopyAsync(table, changes.Where(c => c.Op == "c"), cancellationToken);
        foreach (var batch in changes.Where(c => c.Op != "c").Chunk(BatchStatements))
        {
            await using var commands = new NpgsqlBatch(_connection);
            foreach (var change in batch)
            {
                commands.BatchCommands.Add(Statement(table, change));
            }

            await commands.ExecuteNonQueryAsync(cancellationToken);
        }

        await using var note = new NpgsqlCommand("UPDATE public.fstore_generated SET number = $2 WHERE name = $1", _connection) { Parameters = { new() { Value = progress }, new() { Value = done } } };
        await note.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    });

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static string Definition(PostgresTable table) =>
        $"CREATE TABLE IF NOT EXISTS {table.Sql} ({string.Join(", ", table.Columns.Select(c => $"{PostgresTable.Quoted(c.Name)} {SqlType(c.Type)}"))}, PRIMARY KEY ({Names(table.KeyColumns)}))";

    private static string Names(IEnumerable<string> names) => string.Join(", ", names.Select(PostgresTable.Quoted));

    private static NpgsqlBatchCommand Statement(PostgresTable table, SourceChange change)
    {
        var values = table.Columns.Select((column, i) => (Column: column, Value: change.Values[i], IsKey: table.KeyColumns.Contains(column.Name))).ToList();
        var parameters = values.Where(v => v.IsKey || change.Op == "u").ToList();
        string Set(bool isKey, string between) =>
            string.Join(between, parameters.Select((p, i) => (p, i)).Where(p => p.p.IsKey == isKey).Select(p => $"{PostgresTable.Quoted(p.p.Column.Name)} = ${p.i + 1}"));
        var command = new NpgsqlBatchCommand(change.Op == "d" ? $"DELETE FROM {table.Sql} WHERE {Set(true, " AND ")}" : $"UPDATE {table.Sql} SET {Set(false, ", ")} WHERE {Set(true, " AND ")}");
        foreach (var (column, value, _) in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = ClrValue(column.Type, value) ?? DBNull.Value, NpgsqlDbType = DbType(column.Type) });
        }

        return command;
    }

    private static object? ClrValue(LakeType type, object? value) =>
        type == LakeType.Timestamp && value is long micros ? DateTime.SpecifyKind(DateTime.UnixEpoch.AddTicks(micros * TimeSpan.TicksPerMicrosecond), DateTimeKind.Unspecified) : value;

    private static NpgsqlDbType DbType(LakeType type) => type switch
    {
        LakeType.Int64 => NpgsqlDbType.Bigint,
        LakeType.Int32 => NpgsqlDbType.Integer,
        LakeType.Double => NpgsqlDbType.Double,
        LakeType.Boolean => NpgsqlDbType.Boolean,
        LakeType.Timestamp => NpgsqlDbType.Timestamp,
        LakeType.Date => NpgsqlDbType.Date,
        _ => NpgsqlDbType.Text,
    };

    // Times are UTC and carry no zone, as the bank's own tables have them.
    private static string SqlType(LakeType type) => type switch
    {
        LakeType.Double => "double precision",
        LakeType.Timestamp => "timestamp",
        _ => DbType(type).ToString().ToLowerInvariant(),
    };

    private async Task CopyAsync(PostgresTable table, IEnumerable<SourceChange> creates, CancellationToken cancellationToken)
    {
        await using var copy = await _connection.BeginBinaryImportAsync($"COPY {table.Sql} ({Names(table.Columns.Select(c => c.Name))}) FROM STDIN (FORMAT BINARY)", cancellationToken);
        foreach (var create in creates)
        {
            await copy.StartRowAsync(cancellationToken);
            for (var i = 0; i < table.Columns.Count; i++)
            {
                var type = table.Columns[i].Type;
                if (ClrValue(type, create.Values[i]) is { } value)
                {
                    await copy.WriteAsync(value, DbType(type), cancellationToken);
                }
                else
                {
                    await copy.WriteNullAsync(cancellationToken);
                }
            }
        }

        await copy.CompleteAsync(cancellationToken);
    }

    private async Task<bool> ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, _connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
        return true;
    }

    private Task GuardedAsync(Func<Task> action) => GuardedAsync(async () =>
    {
        await action();
        return true;
    });

    private async Task<T> GuardedAsync<T>(Func<Task<T>> action)
    {
        try
        {
            return await action();
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            throw _address.Failure(e);
        }
    }
}
