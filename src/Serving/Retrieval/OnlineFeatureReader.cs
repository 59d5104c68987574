using Feast.Serving;
using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.OnlineStore;
using Google.Protobuf;

namespace FeatureStore.Serving.Retrieval;

/// <summary>Bounds of one request, checked before anything is allocated for it.</summary>
public sealed record RetrievalLimits(int EntityRowsMax = 10_000, int FeaturesMax = 2_000);

/// <summary>Answers plans from an online store under the strict status policy: NOT_FOUND, NULL_VALUE and OUTSIDE_MAX_AGE told truthfully.</summary>
public sealed class OnlineFeatureReader(IOnlineStore store, TimeProvider time, RetrievalLimits limits)
{
    private const long MicrosPerMillisecond = 1_000;

    /// <summary>Reads the plan's features for entity rows given as join key to one value per row, all lists of one length.</summary>
    /// <exception cref="RetrievalException">The entities do not fit the plan, or a limit is passed.</exception>
    public async Task<OnlineFeatures> ReadAsync(
        RetrievalPlan plan,
        IReadOnlyList<KeyValuePair<string, IReadOnlyList<Value>>> entities,
        bool fullFeatureNames,
        CancellationToken cancellationToken)
    {
        var rows = CheckedRows(plan, entities);
        var names = plan.ColumnNames(fullFeatureNames);
        var columns = new List<OnlineColumn>(entities.Count + names.Count);
        columns.AddRange(entities.Select(e => EntityColumn(e, rows)));

        // Views of one entity share their keys, so each group is one batch read of keys × tables. The view's own join
        // keys take part: an alias may bring another view the same request column under another stored key.
        var reads = new OnlineRead[plan.Views.Count][];
        foreach (var group in Enumerable.Range(0, plan.Views.Count).GroupBy(i => KeyColumns(plan.Views[i])))
        {
            var views = group.ToArray();
            await ReadGroupAsync(plan, views, entities, rows, reads, cancellationToken);
        }

        var now = time.GetUtcNow();
        var name = 0;
        for (var v = 0; v < plan.Views.Count; v++)
        {
            for (var f = 0; f < plan.Views[v].Table.Features.Count; f++)
            {
                columns.Add(FeatureColumn(names[name++], plan.Views[v].View.Ttl, reads[v], f, now));
            }
        }

        return new OnlineFeatures(columns);
    }

    private static string KeyColumns(PlannedView planned) =>
        string.Join('\n', planned.View.JoinKeys.Select(k => k.Name).Concat(planned.RequestKeys));

    private static OnlineColumn EntityColumn(KeyValuePair<string, IReadOnlyList<Value>> entity, int rows)
    {
        var statuses = new FieldStatus[rows];
        Array.Fill(statuses, FieldStatus.Present);
        return new OnlineColumn(entity.Key, [.. entity.Value.Select(v => v.ToByteArray())], statuses, new long[rows]);
    }

    private static OnlineColumn FeatureColumn(string name, TimeSpan ttl, OnlineRead[] reads, int feature, DateTimeOffset now)
    {
        var column = new OnlineColumn(name, new byte[reads.Length][], new FieldStatus[reads.Length], new long[reads.Length]);
        for (var i = 0; i < reads.Length; i++)
        {
            var value = reads[i].Values[feature];
            column.Values[i] = value ?? [];
            column.EventTimeMicros[i] = reads[i].EventTimeMicros ?? 0;
            column.Statuses[i] = Status(value, reads[i].EventTimeMicros, ttl, now);
        }

        return column;
    }

    private static FieldStatus Status(byte[]? value, long? eventTimeMicros, TimeSpan ttl, DateTimeOffset now)
    {
        if (value is null || eventTimeMicros is not { } micros)
        {
            return FieldStatus.NotFound;
        }

        // Age equal to the ttl is still present; one millisecond more is not.
        var ageMillis = now.ToUnixTimeMilliseconds() - (long)Math.Floor(micros / (decimal)MicrosPerMillisecond);
        if (ttl > TimeSpan.Zero && ageMillis > ttl.TotalMilliseconds)
        {
            return FieldStatus.OutsideMaxAge;
        }

        return value.Length == 0 ? FieldStatus.NullValue : FieldStatus.Present;
    }

    private async Task ReadGroupAsync(
        RetrievalPlan plan,
        int[] views,
        IReadOnlyList<KeyValuePair<string, IReadOnlyList<Value>>> entities,
        int rows,
        OnlineRead[][] reads,
        CancellationToken cancellationToken)
    {
        var planned = plan.Views[views[0]];
        var columns = planned.RequestKeys.Select(k => entities.First(e => e.Key == k).Value).ToArray();
        var distinct = new Dictionary<string, int>();
        var keys = new List<byte[]>();
        var keyOfRow = new int[rows];
        for (var row = 0; row < rows; row++)
        {
            var key = EntityKeyEncoder.Encode(
                [.. planned.View.JoinKeys.Select((k, i) => (k.Name, columns[i][row]))], plan.Snapshot.EntityKeyVersion);
            var text = Convert.ToBase64String(key);
            if (!distinct.TryGetValue(text, out keyOfRow[row]))
            {
                distinct[text] = keyOfRow[row] = keys.Count;
                keys.Add(key);
            }
        }

        var answers = await store.ReadAsync([.. views.Select(v => plan.Views[v].Table)], keys, cancellationToken);
        for (var v = 0; v < views.Length; v++)
        {
            reads[views[v]] = [.. keyOfRow.Select(k => answers[v][k])];
        }
    }

    private int CheckedRows(RetrievalPlan plan, IReadOnlyList<KeyValuePair<string, IReadOnlyList<Value>>> entities)
    {
        if (entities.Count == 0)
        {
            throw new RetrievalException(RetrievalFault.Invalid, "The request has no entities; give each join key a list of values.");
        }

        var rows = entities[0].Value.Count;
        var features = plan.Views.Sum(v => v.Table.Features.Count);
        if (rows > limits.EntityRowsMax)
        {
            throw new RetrievalException(RetrievalFault.TooLarge, $"{rows} entity rows are more than the limit of {limits.EntityRowsMax}; split the request.");
        }

        if (features > limits.FeaturesMax)
        {
            throw new RetrievalException(RetrievalFault.TooLarge, $"{features} features are more than the limit of {limits.FeaturesMax}; split the request.");
        }

        if (entities.FirstOrDefault(e => e.Value.Count != rows) is { Key: { } uneven })
        {
            throw new RetrievalException(RetrievalFault.Invalid, $"Entity '{uneven}' has another number of values than '{entities[0].Key}' ({rows}).");
        }

        var missing = plan.Views.SelectMany(v => v.RequestKeys).Distinct().Except(entities.Select(e => e.Key)).ToArray();
        if (missing.Length > 0)
        {
            throw new RetrievalException(RetrievalFault.Invalid, $"The entities lack the join key {string.Join(", ", missing)}.");
        }

        var empty = entities.FirstOrDefault(e => e.Value.Any(v => v.ValCase is Value.ValOneofCase.None or Value.ValOneofCase.NullVal));
        return empty.Key is null
            ? rows
            : throw new RetrievalException(RetrievalFault.Invalid, $"Entity '{empty.Key}' has a null value; a key is never null.");
    }
}
