using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using Microsoft.Data.Sqlite;

namespace FeatureStore.OnlineStore.Sqlite;

/// <summary>
/// Writes rows of one table within one transaction. Feast's column keeps whole seconds. A row's own time is compared
/// uncut, so that a row a moment later in the same second wins; rows of one call are told apart to the microsecond.
/// </summary>
internal static class SqliteWriter
{
    /// <summary>Returns how many rows the rule took.</summary>
    public static async Task<int> WriteAsync(
        SqliteTransaction transaction, OnlineTable table, IReadOnlyList<EncodedRow> rows, OnlineWriteRule rule, CancellationToken cancellationToken)
    {
        using var select = SqliteSql.Command(transaction, $"SELECT max(event_ts) FROM {SqliteSql.Table(table)} WHERE entity_key = $key");
        using var upsert = SqliteSql.Command(
            transaction,
            $"INSERT OR REPLACE INTO {SqliteSql.Table(table)} (entity_key, feature_name, value, value_text, vector_value, event_ts, created_ts) "
            + "VALUES ($key, $feature, $value, $text, NULL, $event, $created)");
        var newest = new Dictionary<byte[], long>(EntityKeyComparer.Instance);
        var written = 0;
        foreach (var row in rows)
        {
            if (!newest.TryGetValue(row.EntityKey, out var stored))
            {
                SqliteSql.Set(select, "$key", row.EntityKey);
                stored = await StoredAsync(select, table, cancellationToken);
            }

            if (Wins(row.EventTimeMicros, stored, rule))
            {
                await UpsertAsync(upsert, table, row, cancellationToken);
                stored = row.EventTimeMicros;
                written++;
            }

            newest[row.EntityKey] = stored;
        }

        return written;
    }

    // A stored time at or before the epoch counts as none, and so does no row.
    private static bool Wins(long time, long stored, OnlineWriteRule rule) =>
        rule == OnlineWriteRule.Replaces || stored <= 0 || time > stored || (time == stored && rule == OnlineWriteRule.NewerOrEqualWins);

    private static async Task<long> StoredAsync(SqliteCommand select, OnlineTable table, CancellationToken cancellationToken) =>
        await select.ExecuteScalarAsync(cancellationToken) is { } time and not DBNull ? StoredBytes.SecondsToMicros(table, time as long?) : 0;

    private static async Task UpsertAsync(SqliteCommand upsert, OnlineTable table, EncodedRow row, CancellationToken cancellationToken)
    {
        SqliteSql.Set(upsert, "$key", row.EntityKey);
        SqliteSql.Set(upsert, "$event", Seconds(row.EventTimeMicros));
        SqliteSql.Set(upsert, "$created", row.CreatedTimeMicros is { } created ? Seconds(created) : null);
        for (var f = 0; f < table.Features.Count; f++)
        {
            SqliteSql.Set(upsert, "$feature", table.Features[f]);
            SqliteSql.Set(upsert, "$value", row.Values[f]);
            SqliteSql.Set(upsert, "$text", ValueText.Of(row.Values[f]));
            await upsert.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    // Rounds toward the past, so that a row never looks newer than it is.
    private static long Seconds(long micros) =>
        (micros / SqliteSql.MicrosPerSecond) - (micros % SqliteSql.MicrosPerSecond < 0 ? 1 : 0);
}
