using System.Globalization;
using System.Text.Json.Nodes;
using Npgsql;

namespace FeatureStore.Cli.Tests.Kills;

/// <summary>A Monday's features by SQL in the source itself, which knows of no events, lake or known time.</summary>
internal static class RoadOracle
{
    private static readonly string[] Features = ["num_transactions_l1w", "total_amount_l1w", "avg_amount_l1w", "min_amount_l1w", "max_amount_l1w", "num_vendors_l1w", "num_sources_l1w"];

    /// <param name="shown">What <c>features show --json</c> prints of the day.</param>
    public static async Task CompareAsync(string connectionString, string day, string shown)
    {
        var ours = shown.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!.AsObject()).ToDictionary(r => r["user_id"]!.GetValue<string>(), Text);
        var theirs = await RowsAsync(connectionString, day);
        var wrong = theirs.FirstOrDefault(t => ours.GetValueOrDefault(t.Key) != t.Value);
        Assert.True(wrong.Key is null, $"{day}, {wrong.Key}: SQL has {wrong.Value}, the lake {ours.GetValueOrDefault(wrong.Key ?? string.Empty)}");

        // Who has no row left in the source keeps a row of nothing.
        Assert.All(ours.Where(o => !theirs.ContainsKey(o.Key)), o => Assert.Equal("0|0||||0|0", o.Value));
    }

    private static string Text(JsonObject row) => string.Join('|', Features.Select(f => row[f] is { } value ? Number(value.GetValue<double>()) : string.Empty));

    // Added in ascending order, as the features' totals are.
    private static async Task<Dictionary<string, string>> RowsAsync(string connectionString, string day)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"""
            SELECT user_id, count(*) FILTER (WHERE w), coalesce(sum(amount ORDER BY amount) FILTER (WHERE w), 0), min(amount) FILTER (WHERE w), max(amount) FILTER (WHERE w),
                count(DISTINCT vendor) FILTER (WHERE w), count(DISTINCT sources) FILTER (WHERE w)
            FROM (SELECT *, time >= timestamp '{day}' - interval '7 days' AS w FROM transactions WHERE time < timestamp '{day}' AND user_id IS NOT NULL) t GROUP BY user_id
            """, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new Dictionary<string, string>();
        while (await reader.ReadAsync())
        {
            var average = reader.GetInt64(1) == 0 ? string.Empty : Number(reader.GetDouble(2) / reader.GetInt64(1));
            rows[reader.GetString(0)] = string.Join('|', Value(reader, 1), Value(reader, 2), average, Value(reader, 3), Value(reader, 4), Value(reader, 5), Value(reader, 6));
        }

        return rows;
    }

    private static string Value(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? string.Empty : Number(Convert.ToDouble(reader.GetValue(column), CultureInfo.InvariantCulture));

    private static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);
}
