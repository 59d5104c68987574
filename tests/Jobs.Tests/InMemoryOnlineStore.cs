using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.OnlineStore;

namespace FeatureStore.Jobs.Tests;

/// <summary>The write rule in its plainest form, over a dictionary.</summary>
internal sealed class InMemoryOnlineStore : IOnlineStore
{
    public Dictionary<string, EncodedRow> Rows { get; } = [];

    public Task EnsureTablesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<OnlineRead[][]> ReadAsync(
        IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        Task.FromResult(tables.Select(t => entityKeys.Select(k => Read(t, k)).ToArray()).ToArray());

    public Task<OnlineWriteCounts> WriteAsync(
        OnlineTable table, IReadOnlyList<EncodedRow> rows, OnlineWriteRule rule, CancellationToken cancellationToken)
    {
        var written = 0;
        foreach (var row in rows)
        {
            var key = Key(table, row.EntityKey);
            if (!Rows.TryGetValue(key, out var old)
                || row.EventTimeMicros > old.EventTimeMicros
                || (row.EventTimeMicros == old.EventTimeMicros && rule == OnlineWriteRule.NewerOrEqualWins))
            {
                Rows[key] = row;
                written++;
            }
        }

        return Task.FromResult(new OnlineWriteCounts(written, rows.Count - written));
    }

    public Task RecordKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) => Task.CompletedTask;

    public IAsyncEnumerable<IReadOnlyList<byte[]>> RecordedKeysAsync(OnlineTable table, CancellationToken cancellationToken) =>
        AsyncEnumerable.Empty<IReadOnlyList<byte[]>>();

    public Task ForgetKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task RemoveRowsAsync(
        IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken)
    {
        foreach (var key in tables.SelectMany(t => entityKeys.Select(k => Key(t, k))))
        {
            Rows.Remove(key);
        }

        return Task.CompletedTask;
    }

    public Task RemoveTablesAsync(IReadOnlyList<OnlineTable> tables, EntityKeyShape keys, CancellationToken cancellationToken)
    {
        foreach (var key in Rows.Keys.Where(k => tables.Any(t => k.StartsWith($"{t.View}/", StringComparison.Ordinal))).ToArray())
        {
            Rows.Remove(key);
        }

        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static string Key(OnlineTable table, byte[] entityKey) => $"{table.View}/{Convert.ToHexString(entityKey)}";

    private OnlineRead Read(OnlineTable table, byte[] key) =>
        Rows.TryGetValue(Key(table, key), out var row)
            ? new OnlineRead(row.EventTimeMicros, [.. row.Values])
            : new OnlineRead(null, new byte[]?[table.Features.Count]);
}
