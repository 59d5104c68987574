using System.Runtime.CompilerServices;
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

    private readonly RedisConnection _connection;
    private readonly RedisFences _fences;
    private readonly RedisWriter _writer;

    /// <param name="options">The store's settings.</param>
    /// <param name="time">Bounds every wait.</param>
    /// <exception cref="OnlineStoreException">The connection string is wrong. Nothing is connected yet.</exception>
    public RedisOnlineStore(RedisOnlineStoreOptions options, TimeProvider time)
    {
        _connection = new RedisConnection(options, time);
        _fences = new RedisFences(_connection, options.Deployment == RedisDeployment.RedisCluster);
        _writer = new RedisWriter(options, _connection, _fences);
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
        OnlineTable table, IReadOnlyList<EncodedRow> rows, OnlineWrite write, CancellationToken cancellationToken) =>
        RunAsync([table], database => _writer.WriteAsync(database, table, rows, write, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task<long> RaiseFenceAsync(OnlineTable table, long fence, CancellationToken cancellationToken) =>
        RunAsync([table], database => _fences.RaiseAsync(database, table, fence, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task MarkWholeAsync(OnlineTable table, long fence, CancellationToken cancellationToken) => RunAsync(
        [table],
        async database =>
        {
            await _fences.MarkWholeAsync(database, table, fence, cancellationToken);
            return 0;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<OnlineFence>> FencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) =>
        RunAsync(tables, database => _fences.ReadAsync(database, tables, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task RemoveFencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => RunAsync(
        tables,
        async database =>
        {
            await _fences.RemoveAsync(database, tables, cancellationToken);
            return 0;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task RecordKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        RunAsync([table], database => RedisKeyRecord.AddAsync(database, _connection, table, entityKeys, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<IReadOnlyList<byte[]>> RecordedKeysAsync(
        OnlineTable table, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var page = RedisKeyRecord.First; page is not null;)
        {
            var at = page.Value;
            (var keys, page) = await RunAsync([table], database => RedisKeyRecord.ReadAsync(database, _connection, table, at, cancellationToken), cancellationToken);
            if (keys.Count > 0)
            {
                yield return keys;
            }
        }
    }

    /// <inheritdoc/>
    public Task ForgetKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        RunAsync([table], database => RedisKeyRecord.TakeAsync(database, _connection, table, entityKeys, cancellationToken), cancellationToken);

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
                await new RedisRemoval(_connection, database, Project(tables), tables).OfEntitiesAsync(entityKeys, cancellationToken);
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
                // First, so that a run that is under way writes nothing behind the removal.
                await _fences.RemoveAsync(database, tables, cancellationToken);
                await new RedisRemoval(_connection, database, Project(tables), tables).OfAllAsync(keys, cancellationToken);
                await RedisKeyRecord.DropAsync(database, _connection, tables, cancellationToken);
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
