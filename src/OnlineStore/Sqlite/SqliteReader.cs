using FeatureStore.Contract.Keys;
using Microsoft.Data.Sqlite;

namespace FeatureStore.OnlineStore.Sqlite;

/// <summary>Reads one table: a query per thousand keys, whatever the number of features.</summary>
internal static class SqliteReader
{
    // SQLite takes 32,766 parameters in a statement; a round number below keeps statements few.
    private const int KeysPerQueryMax = 1000;

    /// <summary>The row of each key, in the keys' order.</summary>
    /// <exception cref="OnlineStoreException">What is stored is no time or no value.</exception>
    public static async Task<OnlineRead[]> ReadAsync(
        SqliteTransaction transaction, OnlineTable table, IReadOnlyList<byte[]> keys, CancellationToken cancellationToken)
    {
        var columns = table.Features.Select((name, i) => (name, i)).ToLookup(f => f.name, f => f.i, StringComparer.Ordinal);
        var rows = new Dictionary<byte[], (long? Time, byte[]?[] Values)>(EntityKeyComparer.Instance);
        foreach (var chunk in keys.Chunk(KeysPerQueryMax))
        {
            var names = Enumerable.Range(0, chunk.Length).Select(i => $"$k{i}").ToArray();
            using var select = SqliteSql.Command(
                transaction,
                $"SELECT entity_key, feature_name, value, event_ts FROM {SqliteSql.Table(table)} WHERE entity_key IN ({string.Join(',', names)})");
            for (var i = 0; i < chunk.Length; i++)
            {
                SqliteSql.Set(select, names[i], chunk[i]);
            }

            await using var reader = await select.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                Take(table, columns, reader, rows);
            }
        }

        (long? Time, byte[]?[] Values) none = (null, new byte[]?[table.Features.Count]);
        var result = new OnlineRead[keys.Count];
        for (var i = 0; i < result.Length; i++)
        {
            var (time, values) = rows.GetValueOrDefault(keys[i], none);
            result[i] = new OnlineRead(time, values);
            StoredBytes.CheckValues(table, result[i].Values);
        }

        return result;
    }

    // Every feature of a row carries the row's time; a feature that was dropped from the view may keep an older one.
    private static void Take(OnlineTable table, ILookup<string, int> columns, SqliteDataReader reader, Dictionary<byte[], (long? Time, byte[]?[] Values)> rows)
    {
        var key = (byte[])reader[0];
        var feature = reader[1] as string ?? throw StoredBytes.Wrong(table, "a feature name that is no text", null);
        var row = rows.TryGetValue(key, out var known) ? known : (null, new byte[]?[table.Features.Count]);
        foreach (var column in columns[feature])
        {
            row.Values[column] = reader[2] switch
            {
                byte[] bytes => bytes,
                DBNull => [],
                _ => throw StoredBytes.Wrong(table, $"a value of the feature '{feature}' that is no BLOB", null),
            };
        }

        var time = StoredBytes.SecondsToMicros(table, reader[3] as long?);
        rows[key] = (Math.Max(time, row.Time ?? time), row.Values);
    }
}
