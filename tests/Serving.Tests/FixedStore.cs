using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.OnlineStore;

namespace FeatureStore.Serving.Tests;

/// <summary>Rows by view and key; remembers how many keys each read asked for.</summary>
internal sealed class FixedStore : IOnlineStore
{
    public Dictionary<(string View, string Key), EncodedRow> Rows { get; } = [];

    /// <summary>Features of a view's rows in their order; a view that is not here has just those asked for.</summary>
    public Dictionary<string, string[]> Features { get; } = [];

    /// <summary>The entities on record.</summary>
    public HashSet<(string View, string Key)> Recorded { get; } = [];

    /// <summary>Whether a row lay here before its entity was put on record.</summary>
    public bool RecordedLate { get; private set; }

    public List<int> KeysPerRead { get; } = [];

    public Task EnsureTablesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<OnlineRead[][]> ReadAsync(
        IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken)
    {
        KeysPerRead.Add(entityKeys.Count);
        return Task.FromResult(tables.Select(t => entityKeys.Select(k =>
            Rows.TryGetValue((t.View, Convert.ToHexString(k)), out var row)
                ? new OnlineRead(row.EventTimeMicros, Values(t, row))
                : new OnlineRead(null, new byte[]?[t.Features.Count])).ToArray()).ToArray());
    }

    private byte[][] Values(OnlineTable table, EncodedRow row) => Features.TryGetValue(table.View, out var names)
        ? [.. table.Features.Select(f => row.Values[Array.IndexOf(names, f)])]
        : [.. row.Values];

    public Task<OnlineWriteCounts> WriteAsync(
        OnlineTable table, IReadOnlyList<EncodedRow> rows, OnlineWrite write, CancellationToken cancellationToken)
    {
        foreach (var row in rows)
        {
            Rows[(table.View, Convert.ToHexString(row.EntityKey))] = row;
        }

        return Task.FromResult(new OnlineWriteCounts(rows.Count, 0));
    }

    public Task<long> RaiseFenceAsync(OnlineTable table, long fence, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task MarkWholeAsync(OnlineTable table, long fence, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<OnlineFence>> FencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RemoveFencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RecordKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken)
    {
        foreach (var key in entityKeys)
        {
            var row = (table.View, Convert.ToHexString(key));
            Recorded.Add(row);
            RecordedLate |= Rows.ContainsKey(row);
        }

        return Task.CompletedTask;
    }

    public IAsyncEnumerable<IReadOnlyList<byte[]>> RecordedKeysAsync(OnlineTable table, CancellationToken cancellationToken) =>
        AsyncEnumerable.Empty<IReadOnlyList<byte[]>>();

    public Task ForgetKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task RemoveRowsAsync(
        IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Serving removes nothing.");

    public Task RemoveTablesAsync(IReadOnlyList<OnlineTable> tables, EntityKeyShape keys, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Serving removes nothing.");

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
