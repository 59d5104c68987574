using System.Globalization;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>
/// Fences of tables, each a hash of ours beside Feast's hashes (<c>fstore:fence:project:view</c>), which no entity key can equal. One server
/// checks the fence within the write script; a cluster's script may not look at two slots, so there it is looked at before each batch, which
/// leaves the time of one batch in which a stopped writer can still write.
/// </summary>
internal sealed class RedisFences(RedisConnection connection, bool isCluster)
{
    public static RedisKey Key(OnlineTable table) => $"fstore:fence:{table.Project}:{table.View}";

    public static RedisValue Text(long fence) => fence.ToString(CultureInfo.InvariantCulture);

    /// <summary>The second key of the write script, where it may have one.</summary>
    public RedisKey? ForScript(OnlineTable table, OnlineWrite write) => write.Fence is null || isCluster ? (RedisKey?)null : Key(table);

    /// <summary>On a cluster, sees before a batch that the writer's fence stands.</summary>
    /// <exception cref="FenceLostException">It does not.</exception>
    public async Task CheckAsync(IDatabase database, OnlineTable table, OnlineWrite write, CancellationToken cancellationToken)
    {
        if (write.Fence is { } fence && isCluster && await ReadAsync(database, [table], cancellationToken) is [var read] && read.Standing != fence)
        {
            throw new FenceLostException(table.View, read.Standing);
        }
    }

    public async Task<long> RaiseAsync(IDatabase database, OnlineTable table, long fence, CancellationToken cancellationToken) =>
        Parse(table, (string?)await connection.WaitAsync(
            database.ScriptEvaluateAsync(RedisScripts.RaiseFence, [Key(table)], [Text(fence)]), cancellationToken))!.Value;

    public async Task MarkWholeAsync(IDatabase database, OnlineTable table, long fence, CancellationToken cancellationToken)
    {
        try
        {
            await connection.WaitAsync(database.ScriptEvaluateAsync(RedisScripts.MarkWhole, [Key(table)], [Text(fence)]), cancellationToken);
        }
        catch (RedisServerException e) when (Refusal(table, e) is { } refusal)
        {
            throw refusal;
        }
    }

    public async Task<IReadOnlyList<OnlineFence>> ReadAsync(IDatabase database, IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken)
    {
        var values = await connection.WaitAsync(
            Task.WhenAll(tables.Select(t => database.HashGetAsync(Key(t), [RedisScripts.Fence, RedisScripts.Whole]))), cancellationToken);
        return [.. tables.Zip(values, (t, v) => new OnlineFence(Parse(t, v[0]), Parse(t, v[1])))];
    }

    public Task RemoveAsync(IDatabase database, IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) =>
        connection.WaitAsync(Task.WhenAll(tables.Select(t => database.KeyDeleteAsync(Key(t)))), cancellationToken);

    /// <summary>The refusal of a write script, as what it says; null for any other error.</summary>
    public static FenceLostException? Refusal(OnlineTable table, RedisServerException error) =>
        error.Message.StartsWith(RedisErrors.FenceLost, StringComparison.Ordinal)
            ? new FenceLostException(table.View, Parse(table, error.Message[RedisErrors.FenceLost.Length..].Trim()))
            : null;

    private static long? Parse(OnlineTable table, string? text) =>
        string.IsNullOrEmpty(text) ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var fence) ? fence
        : throw new OnlineStoreException($"The fence of the view '{table.View}' in the online store, key {Key(table)}, is no number; another program wrote it. Remove that key and materialize again.");
}
