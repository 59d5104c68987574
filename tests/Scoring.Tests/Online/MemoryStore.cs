using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.OnlineStore;

namespace FeatureStore.Scoring.Tests.Online;

/// <summary>Rows by key of one table, with a value per feature of the bank's view.</summary>
internal sealed class MemoryStore : IOnlineStore
{
    public Dictionary<string, (long EventTimeMicros, Dictionary<string, byte[]> Values)> Rows { get; } = [];

    public void Put(string user, DateTimeOffset eventTime, Dictionary<string, byte[]> values) =>
        Rows[Convert.ToHexString(EntityKeyEncoder.Encode([("user_id", new Feast.Types.Value { StringVal = user })], 3))] = (eventTime.ToUnixTimeMilliseconds() * 1_000, values);

    public Task<OnlineRead[][]> ReadAsync(IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        Task.FromResult<OnlineRead[][]>([.. tables.Select(t => entityKeys.Select(k => Read(t, k)).ToArray())]);

    public Task EnsureTablesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<OnlineWriteCounts> WriteAsync(OnlineTable table, IReadOnlyList<EncodedRow> rows, OnlineWrite write, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Scoring writes nothing.");

    public Task<long> RaiseFenceAsync(OnlineTable table, long fence, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task MarkWholeAsync(OnlineTable table, long fence, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<OnlineFence>> FencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RemoveFencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RecordKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) => throw new NotSupportedException();

    public IAsyncEnumerable<IReadOnlyList<byte[]>> RecordedKeysAsync(OnlineTable table, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task ForgetKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RemoveRowsAsync(IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Scoring removes nothing.");

    public Task RemoveTablesAsync(IReadOnlyList<OnlineTable> tables, EntityKeyShape keys, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Scoring removes nothing.");

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private OnlineRead Read(OnlineTable table, byte[] key) => Rows.TryGetValue(Convert.ToHexString(key), out var row)
        ? new OnlineRead(row.EventTimeMicros, [.. table.Features.Select(f => row.Values.GetValueOrDefault(f))])
        : new OnlineRead(null, new byte[]?[table.Features.Count]);
}
