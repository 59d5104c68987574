using FeatureStore.Contract.Keys;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>Takes tables of one project out of hashes, some at a time.</summary>
internal sealed class RedisRemoval(RedisConnection connection, IDatabase database, string project, IReadOnlyList<OnlineTable> tables)
{
    // Commands in flight at a time; a removal takes its time on the server.
    private const int KeysInFlightMax = 1_000;

    private readonly RedisValue[] _fields = Fields([.. tables.Select(RedisTable.Of)]);

    /// <summary>Out of the hashes of some entities.</summary>
    public async Task OfEntitiesAsync(IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken)
    {
        foreach (var keys in entityKeys.Chunk(KeysInFlightMax))
        {
            await RemoveAsync(keys.Select(k => EntityKeyEncoder.ForRedis(k, project)), cancellationToken);
        }
    }

    /// <summary>Out of every hash whose key has the shape, on every server.</summary>
    public async Task OfAllAsync(EntityKeyShape shape, CancellationToken cancellationToken)
    {
        foreach (var server in await connection.OwnersAsync(cancellationToken))
        {
            var found = new List<byte[]>();
            var keys = server.KeysAsync(connection.Database, RedisPattern.Of(shape, project), KeysInFlightMax);
            await foreach (var key in keys.WithCancellation(cancellationToken))
            {
                byte[] bytes = key!;
                if (!shape.IsRedisKey(bytes, project))
                {
                    continue;
                }

                found.Add(bytes);
                if (found.Count == KeysInFlightMax)
                {
                    await RemoveAsync(found, cancellationToken);
                    found.Clear();
                }
            }

            await RemoveAsync(found, cancellationToken);
        }
    }

    private static RedisValue[] Fields(RedisTable[] known) => [known.Length, .. known.Select(t => t.TimeField), .. known.SelectMany(t => t.Features)];

    private Task<RedisResult[]> RemoveAsync(IEnumerable<byte[]> redisKeys, CancellationToken cancellationToken) =>
        connection.WaitAsync(Task.WhenAll(redisKeys.Select(k => database.ScriptEvaluateAsync(RedisScripts.Remove, [k], _fields))), cancellationToken);
}
