using System.Globalization;
using FeatureStore.Contract.Keys;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>
/// Which entities were pushed to a view: the fields, without values, of hashes <c>fstore:pushed:project:view:bucket</c>. No
/// entity key begins like that, so neither Feast nor a scan of ours takes one for a row. They do not expire with
/// <c>key_ttl_seconds</c>, since a write to a sister view prolongs a key.
/// </summary>
internal static class RedisKeyRecord
{
    /// <summary>Where reading begins.</summary>
    public static readonly (int Bucket, string Cursor)? First = (0, Start);

    // Stored, never to be changed. A cluster shares the buckets out; more of them would cost a removal more empty looks.
    private const int Buckets = 16;
    private const string Start = "0";
    private const int PageSize = 1_000;

    public static Task<bool> AddAsync(
        IDatabase database, RedisConnection connection, OnlineTable table, IReadOnlyList<byte[]> keys, CancellationToken cancellationToken) =>
        EachAsync(
            connection, table, keys, (bucket, fields) => database.HashSetAsync(bucket, [.. fields.Select(f => new HashEntry(f, RedisValue.EmptyString))]), cancellationToken);

    public static Task<bool> TakeAsync(
        IDatabase database, RedisConnection connection, OnlineTable table, IReadOnlyList<byte[]> keys, CancellationToken cancellationToken) =>
        EachAsync(connection, table, keys, (bucket, fields) => database.HashDeleteAsync(bucket, [.. fields]), cancellationToken);

    /// <summary>Some of the keys, and where to go on; null at the end.</summary>
    public static async Task<(IReadOnlyList<byte[]> Keys, (int Bucket, string Cursor)? Next)> ReadAsync(
        IDatabase database, RedisConnection connection, OnlineTable table, (int Bucket, string Cursor) from, CancellationToken cancellationToken)
    {
        var answer = await connection.WaitAsync(
            database.ExecuteAsync("HSCAN", [Bucket(table, from.Bucket), from.Cursor, "COUNT", PageSize]), cancellationToken);
        var cursor = (string)answer[0]!;
        (int, string)? next = cursor != Start ? (from.Bucket, cursor) : from.Bucket + 1 < Buckets ? (from.Bucket + 1, Start) : null;
        return ([.. ((byte[][])answer[1]!).Where((_, i) => i % 2 == 0)], next);
    }

    public static Task<bool[]> DropAsync(IDatabase database, RedisConnection connection, IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) =>
        connection.WaitAsync(
            Task.WhenAll(tables.SelectMany(t => Enumerable.Range(0, Buckets).Select(b => database.KeyDeleteAsync(Bucket(t, b))))), cancellationToken);

    private static async Task<bool> EachAsync(
        RedisConnection connection,
        OnlineTable table,
        IReadOnlyList<byte[]> keys,
        Func<RedisKey, IEnumerable<RedisValue>, Task> command,
        CancellationToken cancellationToken)
    {
        var commands = keys.GroupBy(k => (int)(FeatureHash.Murmur3(k) % Buckets)).Select(b => command(Bucket(table, b.Key), b.Select(k => (RedisValue)k)));
        return await connection.WaitAsync(AllAsync(commands), cancellationToken);
    }

    private static async Task<bool> AllAsync(IEnumerable<Task> commands)
    {
        await Task.WhenAll(commands);
        return true;
    }

    private static RedisKey Bucket(OnlineTable table, int bucket) =>
        string.Create(CultureInfo.InvariantCulture, $"fstore:pushed:{table.Project}:{table.View}:{bucket:x}");
}
