using Npgsql;

namespace FeatureStore.Ingest.Postgres;

/// <summary>A publication that is to publish every change of some tables.</summary>
internal sealed class Publication(string name, IReadOnlyList<PostgresTable> tables, PostgresAddress address, NpgsqlConnection connection)
{
    /// <summary>Sees that it publishes everything; what it lacks is an error.</summary>
    /// <param name="make">Make it if it is absent.</param>
    /// <returns>False if it is absent.</returns>
    /// <exception cref="PostgresSourceException">The server's settings or the publication do not suit.</exception>
    public async Task<bool> EnsureAsync(bool make, CancellationToken cancellationToken)
    {
        await using (var level = new NpgsqlCommand("SHOW wal_level", connection))
        {
            if ((string)(await level.ExecuteScalarAsync(cancellationToken))! is var text && text != "logical")
            {
                throw new PostgresSourceException($"PostgreSQL at {address} has wal_level {text}, and capture needs logical; set wal_level = logical and restart the server.");
            }
        }

        await using (var exists = new NpgsqlCommand("SELECT count(*) FROM pg_publication WHERE pubname = $1", connection) { Parameters = { new() { Value = name } } })
        {
            if ((long)(await exists.ExecuteScalarAsync(cancellationToken))! == 0)
            {
                if (!make)
                {
                    return false;
                }

                await using var create = new NpgsqlCommand(
                    $"CREATE PUBLICATION {PostgresTable.Quoted(name)} FOR TABLE {string.Join(", ", tables.Select(t => t.Sql))}", connection);
                await create.ExecuteNonQueryAsync(cancellationToken);
            }
        }

        return await LackAsync(cancellationToken) is not { } lack ? true
            : throw new PostgresSourceException(make ? lack : $"{lack} What was written without it is in no stream, so then run 'fstore capture --resnapshot', which replaces the rows by a snapshot.");
    }

    /// <summary>What it does not publish, and the way out; null if it publishes everything.</summary>
    public async Task<string?> LackAsync(CancellationToken cancellationToken)
    {
        foreach (var table in tables)
        {
            await using var published = new NpgsqlCommand(
                "SELECT count(*) FROM pg_publication_tables t JOIN pg_publication p USING (pubname) WHERE pubname = $1 AND schemaname = $2 AND tablename = $3 AND pubinsert AND pubupdate AND pubdelete AND pubtruncate", connection)
            { Parameters = { new() { Value = name }, new() { Value = table.Schema }, new() { Value = table.Name } } };
            if ((long)(await published.ExecuteScalarAsync(cancellationToken))! == 0)
            {
                return $"Publication {name} does not publish every change of {table}; run 'ALTER PUBLICATION {name} ADD TABLE {table}', with insert, update, delete and truncate published.";
            }
        }

        return null;
    }

    /// <summary>
    /// Numbers of the entries by which the tables are published. A table that is taken out and added again has another number, and what was written
    /// between is in no stream. A table without an entry of its own, as under FOR ALL TABLES, has the publication's number.
    /// </summary>
    public async Task<IReadOnlyList<uint>> EntriesAsync(CancellationToken cancellationToken)
    {
        await using var entries = new NpgsqlCommand(
            """
            SELECT coalesce(r.oid, p.oid) FROM pg_publication p CROSS JOIN unnest($2) t
            LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = to_regclass(t) WHERE p.pubname = $1
            """, connection)
        { Parameters = { new() { Value = name }, new() { Value = tables.Select(t => t.Sql).ToArray() } } };
        await using var reader = await entries.ExecuteReaderAsync(cancellationToken);
        var numbers = new List<uint>();
        while (await reader.ReadAsync(cancellationToken))
        {
            numbers.Add(reader.GetFieldValue<uint>(0));
        }

        return numbers;
    }
}
