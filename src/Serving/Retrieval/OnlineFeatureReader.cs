using Feast.Serving;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore;
using FeatureStore.Serving.Metrics;

namespace FeatureStore.Serving.Retrieval;

/// <summary>Answers plans from an online store, with statuses by the policy.</summary>
public sealed class OnlineFeatureReader(IOnlineStore store, TimeProvider time, RetrievalLimits limits, StatusPolicy policy, ServingMetrics metrics)
{
    private const long MicrosPerMilli = 1_000;

    // Feast's null among timestamps: the least int64.
    private static readonly byte[] NullTimestamp = ValueBytes.UnixTimestamp(long.MinValue);

    /// <summary>Reads the plan's features for the rows of <paramref name="entities"/>.</summary>
    /// <exception cref="RetrievalException">The entities do not fit the plan, a limit is passed, or a stored value is damaged.</exception>
    /// <exception cref="OnlineStoreException">The store cannot answer.</exception>
    public async Task<OnlineFeatures> ReadAsync(
        RetrievalPlan plan, IReadOnlyList<EntityColumn> entities, bool fullFeatureNames, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(plan);
        plan.CheckNames(fullFeatureNames);
        var bound = EntityBinding.Bind(plan, entities, limits);
        if (plan.Precomputed is { } precomputed)
        {
            return await ReadVectorsAsync(plan, precomputed, bound, fullFeatureNames, cancellationToken);
        }

        var keys = new KeyBatch[plan.Groups.Count];
        for (var g = 0; g < keys.Length; g++)
        {
            keys[g] = KeyBatch.Encode(plan.Groups[g], bound, plan.Snapshot.EntityKeyVersion, policy);
        }

        var begun = time.GetTimestamp();
        var reads = await ReadGroupsAsync(plan, keys, cancellationToken);
        metrics.Retrieval(bound.Rows, time.GetElapsedTime(begun));
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var columns = new FeatureColumn[plan.Reads.Count];
        for (var f = 0; f < columns.Length; f++)
        {
            var feature = plan.Reads[f];
            columns[f] = new FeatureColumn(
                fullFeatureNames ? feature.FullName : feature.Name,
                reads[feature.Group][feature.Table],
                keys[feature.Group].KeyOfRow,
                feature.Feature,
                Statuses(feature, reads[feature.Group][feature.Table], keys[feature.Group].KeyOfRow, now));
            metrics.Statuses(feature.View.Name, columns[f].Statuses);
        }

        return new OnlineFeatures(plan, bound.Rows, bound.Answered, plan.OnDemand.Count == 0 ? columns : OnDemandAnswer.Append(plan, columns, bound, fullFeatureNames, policy));
    }

    private async Task<OnlineFeatures> ReadVectorsAsync(
        RetrievalPlan plan, PrecomputedService precomputed, EntityBinding bound, bool fullFeatureNames, CancellationToken cancellationToken)
    {
        if (!policy.KeepsVectors || !fullFeatureNames)
        {
            throw precomputed.NotPrecomputed(fullFeatureNames ? "Feast keeps none in this store" : "they are only for requests with full_feature_names");
        }

        // Feast stores the vector under the join keys of the service's first view.
        var keys = KeyBatch.Encode(plan.Groups[0], bound, plan.Snapshot.EntityKeyVersion, policy);
        var begun = time.GetTimestamp();
        var stored = (await store.ReadAsync(precomputed.Tables, keys.Keys, cancellationToken))[0];
        metrics.Retrieval(bound.Rows, time.GetElapsedTime(begun));
        var nowMicros = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        var reads = new OnlineRead[stored.Length];
        var expired = new bool[stored.Length][];
        for (var key = 0; key < reads.Length; key++)
        {
            reads[key] = precomputed.Read(in stored[key], nowMicros, out expired[key]);
        }

        var columns = new FeatureColumn[plan.Features.Count];
        for (var f = 0; f < columns.Length; f++)
        {
            var statuses = Array.ConvertAll(keys.KeyOfRow, key => expired[key][f] ? FieldStatus.OutsideMaxAge : FieldStatus.Present);
            columns[f] = new FeatureColumn(plan.Features[f].FullName, reads, keys.KeyOfRow, f, statuses);
            metrics.Statuses(plan.Features[f].View.Name, statuses);
        }

        return new OnlineFeatures(plan, bound.Rows, bound.Answered, columns);
    }

    private Task<OnlineRead[][][]> ReadGroupsAsync(RetrievalPlan plan, KeyBatch[] keys, CancellationToken cancellationToken)
    {
        var reads = new Task<OnlineRead[][]>[keys.Length];
        for (var g = 0; g < keys.Length; g++)
        {
            reads[g] = store.ReadAsync(plan.Groups[g].Tables, keys[g].Keys, cancellationToken);
        }

        return Task.WhenAll(reads);
    }

    private FieldStatus[] Statuses(PlannedFeature feature, OnlineRead[] reads, int[] keyOfRow, long nowMillis)
    {
        // Values are looked at once per distinct key, however many rows share it.
        var ofKey = new FieldStatus[reads.Length];
        for (var key = 0; key < reads.Length; key++)
        {
            ofKey[key] = Status(feature, in reads[key], nowMillis);
        }

        if (keyOfRow.Length == ofKey.Length)
        {
            // As many keys as rows: each row has its own, in order.
            return ofKey;
        }

        var statuses = new FieldStatus[keyOfRow.Length];
        for (var row = 0; row < statuses.Length; row++)
        {
            statuses[row] = ofKey[keyOfRow[row]];
        }

        return statuses;
    }

    private FieldStatus Status(PlannedFeature feature, in OnlineRead read, long nowMillis)
    {
        var value = read.Values.Bytes(feature.Feature);
        if (value.Length > 0 && !ValueCheck.IsWellFormed(value))
        {
            throw new RetrievalException(
                RetrievalFault.Corrupt, $"A stored value of {feature.View.Name}:{feature.Name} is damaged; materialize the view again, or remove the row.");
        }

        if (!policy.IsTruthful)
        {
            return policy.MissIsPresent || !read.Values.IsAbsent(feature.Feature) ? FieldStatus.Present : FieldStatus.NotFound;
        }

        if (read.EventTimeMicros is not { } micros || read.Values.IsAbsent(feature.Feature))
        {
            if (value.Length > 0)
            {
                read.Values.Clear(feature.Feature);
            }

            return FieldStatus.NotFound;
        }

        if (value.SequenceEqual(NullTimestamp))
        {
            read.Values.Clear(feature.Feature);
            value = [];
        }

        // Age equal to the ttl is still present; one millisecond more is not. A null that is too old is too old first.
        if (feature.TtlMillis >= 0 && nowMillis - FloorMillis(micros) > feature.TtlMillis)
        {
            return FieldStatus.OutsideMaxAge;
        }

        return value.Length == 0 ? FieldStatus.NullValue : FieldStatus.Present;
    }

    private static long FloorMillis(long micros) => micros >= 0 ? micros / MicrosPerMilli : ((micros + 1) / MicrosPerMilli) - 1;
}
