using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.OnlineStore;

namespace FeatureStore.Jobs.Tests;

/// <summary>The write rule in its plainest form, over a dictionary.</summary>
internal sealed class InMemoryOnlineStore : IOnlineStore
{
    private readonly Dictionary<(string Project, string View), long> _whole = [];

    public Dictionary<string, EncodedRow> Rows { get; } = [];

    public Dictionary<(string Project, string View), long> Fences { get; } = [];

    public void Empty()
    {
        Rows.Clear();
        Fences.Clear();
        _whole.Clear();
    }

    public Task EnsureTablesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<OnlineRead[][]> ReadAsync(
        IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        Task.FromResult(tables.Select(t => entityKeys.Select(k => Read(t, k)).ToArray()).ToArray());

    public Task<OnlineWriteCounts> WriteAsync(
        OnlineTable table, IReadOnlyList<EncodedRow> rows, OnlineWrite write, CancellationToken cancellationToken)
    {
        if (write.Fence is not null && write.Fence != Standing(table))
        {
            throw new FenceLostException(table.View, Standing(table));
        }

        var written = 0;
        foreach (var row in rows)
        {
            var key = Key(table, row.EntityKey);
            if (!Rows.TryGetValue(key, out var old)
                || write.Rule == OnlineWriteRule.Replaces
                || row.EventTimeMicros > old.EventTimeMicros
                || (row.EventTimeMicros == old.EventTimeMicros && write.Rule == OnlineWriteRule.NewerOrEqualWins))
            {
                Rows[key] = row;
                written++;
            }
        }

        return Task.FromResult(new OnlineWriteCounts(written, rows.Count - written));
    }

    public Task<long> RaiseFenceAsync(OnlineTable table, long fence, CancellationToken cancellationToken)
    {
        var key = (table.Project, table.View);
        return Task.FromResult(Fences[key] = Math.Max(fence, Fences.GetValueOrDefault(key)));
    }

    public Task MarkWholeAsync(OnlineTable table, long fence, CancellationToken cancellationToken)
    {
        if (Standing(table) != fence)
        {
            throw new FenceLostException(table.View, Standing(table));
        }

        _whole[(table.Project, table.View)] = fence;
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<OnlineFence>> FencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<OnlineFence>>(
            [.. tables.Select(t => new OnlineFence(Standing(t), _whole.TryGetValue((t.Project, t.View), out var whole) ? whole : null))]);

    public Task RemoveFencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken)
    {
        foreach (var table in tables)
        {
            Fences.Remove((table.Project, table.View));
            _whole.Remove((table.Project, table.View));
        }

        return Task.CompletedTask;
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

        return RemoveFencesAsync(tables, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private long? Standing(OnlineTable table) => Fences.TryGetValue((table.Project, table.View), out var fence) ? fence : null;

    private static string Key(OnlineTable table, byte[] entityKey) => $"{table.View}/{Convert.ToHexString(entityKey)}";

    private OnlineRead Read(OnlineTable table, byte[] key) =>
        Rows.TryGetValue(Key(table, key), out var row)
            ? new OnlineRead(row.EventTimeMicros, [.. row.Values])
            : new OnlineRead(null, new byte[]?[table.Features.Count]);
}
