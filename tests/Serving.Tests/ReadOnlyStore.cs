using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.OnlineStore;

namespace FeatureStore.Serving.Tests;

/// <summary>A store whose reads a test decides.</summary>
internal abstract class ReadOnlyStore : IOnlineStore
{
    public abstract Task<OnlineRead[][]> ReadAsync(
        IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken);

    public Task EnsureTablesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<OnlineWriteCounts> WriteAsync(
        OnlineTable table, IReadOnlyList<EncodedRow> rows, OnlineWrite write, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<long> RaiseFenceAsync(OnlineTable table, long fence, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task MarkWholeAsync(OnlineTable table, long fence, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<OnlineFence>> FencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RemoveFencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RecordKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) => Task.CompletedTask;

    public IAsyncEnumerable<IReadOnlyList<byte[]>> RecordedKeysAsync(OnlineTable table, CancellationToken cancellationToken) =>
        AsyncEnumerable.Empty<IReadOnlyList<byte[]>>();

    public Task ForgetKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task RemoveRowsAsync(IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task RemoveTablesAsync(IReadOnlyList<OnlineTable> tables, EntityKeyShape keys, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
