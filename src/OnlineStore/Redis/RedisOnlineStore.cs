using System.Text;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>
/// Feast's Redis layout (<c>infra/online_stores/redis.py</c>): one hash per entity and project, whose key is the entity
/// key's bytes and the project. A feature's field is the hash of <c>view:feature</c>, a view's event time lies under
/// <c>_ts:view</c>, and all views of an entity share the hash, so a read is one command per entity.
/// </summary>
public sealed class RedisOnlineStore : IOnlineStore
{
    // Commands in flight at a time: enough to fill the line, few enough that a batch ends well within its timeout.
    private const int ReadKeysInFlightMax = 10_000;
    private const int RemoveKeysInFlightMax = 1_000;

    private readonly RedisConnection _connection;
    private readonly RedisWriter _writer;

    /// <param name="options">The store's settings.</param>
    /// <param name="time">Bounds every wait.</param>
    /// <exception cref="OnlineStoreException">The connection string is wrong. Nothing is connected yet.</exception>
    public RedisOnlineStore(RedisOnlineStoreOptions options, TimeProvider time)
    {
        _connection = new RedisConnection(options, time);
        _writer = new RedisWriter(options, _connection);
    }

    /// <summary>A hash needs no making, so this only sees that the server is there.</summary>
    public Task EnsureTablesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) =>
        RunAsync(tables, async database => await _connection.WaitAsync(database.PingAsync(), cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task<OnlineRead[][]> ReadAsync(
        IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken)
    {
        if (tables.Count == 0 || entityKeys.Count == 0)
        {
            return Task.FromResult(tables.Select(_ => Array.Empty<OnlineRead>()).ToArray());
        }

        return RunAsync(
            tables,
            async database =>
            {
                var plan = RedisReadPlan.For(tables);
                var project = Project(tables);
                var result = new OnlineRead[tables.Count][];
                for (var t = 0; t < result.Length; t++)
                {
                    result[t] = new OnlineRead[entityKeys.Count];
                }

                for (var from = 0; from < entityKeys.Count; from += ReadKeysInFlightMax)
                {
                    await ReadAsync(database, plan, project, entityKeys, from, result, cancellationToken);
                }

                return result;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<OnlineWriteCounts> WriteAsync(
        OnlineTable table, IReadOnlyList<EncodedRow> rows, OnlineWriteRule rule, CancellationToken cancellationToken) =>
        RunAsync([table], database => _writer.WriteAsync(database, table, rows, rule, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task RemoveRowsAsync(
        IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken)
    {
        if (tables.Count == 0)
        {
            return Task.CompletedTask;
        }

        return RunAsync(
            tables,
            async database =>
            {
                var project = Project(tables);
                var fields = RemovedFields(tables);
                foreach (var keys in entityKeys.Chunk(RemoveKeysInFlightMax))
                {
                    await RemoveAsync(database, keys.Select(k => EntityKeyEncoder.ForRedis(k, project)).ToList(), fields, cancellationToken);
                }

                return 0;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task RemoveTablesAsync(IReadOnlyList<OnlineTable> tables, EntityKeyShape keys, CancellationToken cancellationToken)
    {
        if (tables.Count == 0)
        {
            return Task.CompletedTask;
        }

        return RunAsync(
            tables,
            async database =>
            {
                var fields = RemovedFields(tables);
                foreach (var server in await _connection.OwnersAsync(cancellationToken))
                {
                    await RemoveFromAsync(server, database, Project(tables), keys, fields, cancellationToken);
                }

                return 0;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static string Project(IReadOnlyList<OnlineTable> tables) =>
        tables.All(t => t.Project == tables[0].Project)
            ? tables[0].Project
            : throw new ArgumentException("Tables of one call belong to one project.", nameof(tables));

    private static RedisValue[] RemovedFields(IReadOnlyList<OnlineTable> tables)
    {
        var known = tables.Select(RedisTable.Of).ToArray();
        return [known.Length, .. known.Select(t => t.TimeField), .. known.SelectMany(t => t.Features)];
    }

    // Bytes of a key that mean something in a glob stand for themselves.
    private static byte[] Pattern(EntityKeyShape keys, string project)
    {
        var pattern = new List<byte>();
        Escape(keys.Prefix, pattern);
        pattern.Add((byte)'*');
        Escape(Encoding.UTF8.GetBytes(project), pattern);
        return [.. pattern];
    }

    private static void Escape(ReadOnlySpan<byte> bytes, List<byte> pattern)
    {
        foreach (var b in bytes)
        {
            if (b is (byte)'*' or (byte)'?' or (byte)'[' or (byte)']' or (byte)'\\')
            {
                pattern.Add((byte)'\\');
            }

            pattern.Add(b);
        }
    }

    private async Task ReadAsync(
        IDatabase database,
        RedisReadPlan plan,
        string project,
        IReadOnlyList<byte[]> entityKeys,
        int from,
        OnlineRead[][] result,
        CancellationToken cancellationToken)
    {
        var whole = plan.IsWholeHash;
        var pending = new Task<RespResult>[Math.Min(ReadKeysInFlightMax, entityKeys.Count - from)];
        for (var i = 0; i < pending.Length; i++)
        {
            pending[i] = plan.FetchAsync(database, EntityKeyEncoder.ForRedis(entityKeys[from + i], project), whole);
        }

        var replies = await _connection.WaitAsync(Task.WhenAll(pending), cancellationToken);
        try
        {
            var arena = new StoredArena(replies.Length, plan.ValuesPerEntity);
            for (var i = 0; i < replies.Length; i++)
            {
                plan.Take(replies[i], whole, arena, result, from + i);
            }
        }
        finally
        {
            foreach (var reply in replies)
            {
                reply.Dispose();
            }
        }
    }

    private async Task RemoveFromAsync(
        IServer server, IDatabase database, string project, EntityKeyShape shape, RedisValue[] fields, CancellationToken cancellationToken)
    {
        var found = new List<byte[]>();
        var keys = server.KeysAsync(_connection.Database, Pattern(shape, project), RemoveKeysInFlightMax);
        await foreach (var key in keys.WithCancellation(cancellationToken))
        {
            byte[] bytes = key!;
            if (!shape.IsRedisKey(bytes, project))
            {
                continue;
            }

            found.Add(bytes);
            if (found.Count == RemoveKeysInFlightMax)
            {
                await RemoveAsync(database, found, fields, cancellationToken);
                found.Clear();
            }
        }

        await RemoveAsync(database, found, fields, cancellationToken);
    }

    private Task<RedisResult[]> RemoveAsync(
        IDatabase database, List<byte[]> redisKeys, RedisValue[] fields, CancellationToken cancellationToken) =>
        _connection.WaitAsync(
            Task.WhenAll(redisKeys.Select(k => database.ScriptEvaluateAsync(RedisScripts.Remove, [k], fields))), cancellationToken);

    private async Task<T> RunAsync<T>(IReadOnlyList<OnlineTable> tables, Func<IDatabase, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            return await work(await _connection.DatabaseAsync(cancellationToken));
        }
        catch (Exception e) when (RedisErrors.IsOfRedis(e))
        {
            throw RedisErrors.During(_connection.Name, tables, e);
        }
    }
}
