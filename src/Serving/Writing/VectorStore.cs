using Feast.Serving;
using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Retrieval;
using Google.Protobuf;

namespace FeatureStore.Serving.Writing;

/// <summary>
/// A store that renews the vectors of <c>precompute_online</c> services after each write to one of their views, for the
/// entities written. A vector is of the time before its views are read, so that of two writers the later reader wins.
/// </summary>
/// <param name="snapshot">The services at the time of a write.</param>
public sealed class VectorStore(IOnlineStore store, Func<RegistrySnapshot> snapshot, TimeProvider time) : IOnlineStore
{
    /// <summary>Where the vectors of a service are stored.</summary>
    public static OnlineTable VectorsOf(string project, string service) => PrecomputedService.Table(project, service);

    /// <inheritdoc/>
    public Task EnsureTablesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => store.EnsureTablesAsync(tables, cancellationToken);

    /// <inheritdoc/>
    public Task<OnlineRead[][]> ReadAsync(IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        store.ReadAsync(tables, entityKeys, cancellationToken);

    /// <inheritdoc/>
    public async Task<OnlineWriteCounts> WriteAsync(
        OnlineTable table, IReadOnlyList<EncodedRow> rows, OnlineWrite write, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(rows);
        var counts = await store.WriteAsync(table, rows, write, cancellationToken);
        var keys = rows.Select(r => r.EntityKey).Distinct(EntityKeyComparer.Instance).ToArray();
        var present = snapshot();
        foreach (var service in present.FeatureServices.Values.Where(s => s.PrecomputeOnline && keys.Length > 0))
        {
            if (Views(present, service) is { } views && Array.Exists(views, v => v.OnlineName == table.View))
            {
                await RenewAsync(present, service, views, keys, cancellationToken);
            }
        }

        return counts;
    }

    /// <inheritdoc/>
    public Task<long> RaiseFenceAsync(OnlineTable table, long fence, CancellationToken cancellationToken) => store.RaiseFenceAsync(table, fence, cancellationToken);

    /// <inheritdoc/>
    public Task MarkWholeAsync(OnlineTable table, long fence, CancellationToken cancellationToken) => store.MarkWholeAsync(table, fence, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<OnlineFence>> FencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => store.FencesAsync(tables, cancellationToken);

    /// <inheritdoc/>
    public Task RemoveFencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => store.RemoveFencesAsync(tables, cancellationToken);

    /// <inheritdoc/>
    public Task RecordKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        store.RecordKeysAsync(table, entityKeys, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<IReadOnlyList<byte[]>> RecordedKeysAsync(OnlineTable table, CancellationToken cancellationToken) =>
        store.RecordedKeysAsync(table, cancellationToken);

    /// <inheritdoc/>
    public Task ForgetKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        store.ForgetKeysAsync(table, entityKeys, cancellationToken);

    /// <inheritdoc/>
    public Task RemoveRowsAsync(IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) =>
        store.RemoveRowsAsync(tables, entityKeys, cancellationToken);

    /// <inheritdoc/>
    public Task RemoveTablesAsync(IReadOnlyList<OnlineTable> tables, EntityKeyShape keys, CancellationToken cancellationToken) =>
        store.RemoveTablesAsync(tables, keys, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => store.DisposeAsync();

    // A service has vectors if its views are plain and share their join keys; Feast too finds entities by one set of keys.
    private static FeatureViewModel[]? Views(RegistrySnapshot present, FeatureServiceModel service)
    {
        var views = service.Projections.Select(p => p.VersionTag is null ? present.FeatureViews.GetValueOrDefault(p.ViewName) : null).OfType<FeatureViewModel>().ToArray();
        return views.Length > 0 && views.Length == service.Projections.Count
            && Array.TrueForAll(views, v => v.JoinKeys.Select(k => k.Name).SequenceEqual(views[0].JoinKeys.Select(k => k.Name)))
            ? views
            : null;
    }

    private async Task RenewAsync(
        RegistrySnapshot present, FeatureServiceModel service, FeatureViewModel[] views, byte[][] keys, CancellationToken cancellationToken)
    {
        var now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        var tables = service.Projections.Select((p, i) => new OnlineTable(present.Project, views[i].OnlineName, p.Features)).ToArray();
        var reads = await store.ReadAsync(tables, keys, cancellationToken);
        var vectors = new EncodedRow[keys.Length];
        for (var key = 0; key < keys.Length; key++)
        {
            var vector = new PrecomputedFeatureVector { PrecomputedAt = ValueBytes.ToTimestamp(now) };
            for (var p = 0; p < tables.Length; p++)
            {
                Add(vector, service.Projections[p], reads[p][key]);
            }

            vectors[key] = new EncodedRow(keys[key], now, null, [new Value { BytesVal = vector.ToByteString() }.ToByteArray()]);
        }

        await store.WriteAsync(PrecomputedService.Table(present.Project, service.Name), vectors, OnlineWriteRule.NewerOrEqualWins, cancellationToken);
    }

    private static void Add(PrecomputedFeatureVector vector, ProjectionModel projection, OnlineRead read)
    {
        for (var f = 0; f < projection.Features.Count; f++)
        {
            vector.FeatureNames.Add($"{projection.NameToUse}__{projection.Features[f]}");
            vector.Values.Add(Parsed(projection, projection.Features[f], read.Values.Bytes(f)));
        }

        // A view without a row has an entry too, of the epoch.
        vector.FvTimestamps.Add(new FeatureViewTimestamp { FeatureViewName = projection.NameToUse, EventTimestamp = ValueBytes.ToTimestamp(read.EventTimeMicros ?? 0) });
    }

    private static Value Parsed(ProjectionModel projection, string feature, ReadOnlySpan<byte> stored)
    {
        try
        {
            return Value.Parser.ParseFrom(stored);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new OnlineStoreException($"A stored value of {projection.ViewName}:{feature} is damaged; materialize the view again, or remove the row.", e);
        }
    }
}
