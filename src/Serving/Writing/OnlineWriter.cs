using System.Buffers;
using System.Collections.Concurrent;
using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Retrieval;
using Google.Protobuf;

namespace FeatureStore.Serving.Writing;

/// <summary>Writes pushed rows of a view to the online store, by Feast's rules: every feature must be there, an older or equal event time loses.</summary>
public sealed class OnlineWriter(IOnlineStore store, StatusPolicy policy, TimeProvider time)
{
    // Bounded by the registry's views.
    private readonly ConcurrentDictionary<(string Project, string View), bool> _ensured = new();

    /// <summary>Writes the rows; safe to repeat.</summary>
    /// <exception cref="RetrievalException">The rows do not have the view's form.</exception>
    /// <exception cref="OnlineStoreException">The store cannot take them.</exception>
    public async Task WriteAsync(RegistrySnapshot snapshot, FeatureViewModel view, PushedColumns columns, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(view);
        var times = RowTimes.Event(columns, view.Source, policy.IsTruthful);
        await WriteAsync(snapshot, view, Rows(snapshot, view, columns, times, RowTimes.Created(columns, view.Source, policy.IsTruthful)), cancellationToken);
    }

    /// <summary>Writes given outputs of an on-demand view, whose rows are always of now; safe to repeat.</summary>
    /// <exception cref="RetrievalException">The rows do not have the view's form.</exception>
    /// <exception cref="OnlineStoreException">The store cannot take them.</exception>
    public async Task WriteOutputsAsync(RegistrySnapshot snapshot, FeatureViewModel view, PushedColumns columns, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(view);
        var times = new long[columns.Rows];
        Array.Fill(times, (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
        await WriteAsync(snapshot, view, Rows(snapshot, view, columns, times, created: null), cancellationToken);
    }

    private async Task WriteAsync(RegistrySnapshot snapshot, FeatureViewModel view, List<EncodedRow> rows, CancellationToken cancellationToken)
    {
        if (rows.Count == 0)
        {
            return;
        }

        var table = new OnlineTable(snapshot.Project, view.OnlineName, [.. view.Features.Select(f => f.Name)]);
        if (!_ensured.ContainsKey((table.Project, table.View)))
        {
            await store.EnsureTablesAsync([table], cancellationToken);
            _ensured[(table.Project, table.View)] = true;
        }

        // Before the rows: one that is online and not on record would outlive its view.
        await store.RecordKeysAsync(table, [.. rows.Select(r => r.EntityKey)], cancellationToken);
        await store.WriteAsync(table, rows, OnlineWriteRule.NewerWins, cancellationToken);
    }

    private static List<EncodedRow> Rows(RegistrySnapshot snapshot, FeatureViewModel view, PushedColumns columns, long[] times, long?[]? created)
    {
        var missing = view.Features.Where(f => columns.Find(f.Name) is null).Select(f => f.Name).ToArray();
        if (missing.Length > 0)
        {
            throw new RetrievalException(
                RetrievalFault.Invalid, $"The columns {string.Join(", ", missing)} of the feature view '{view.Name}' are missing; send every feature, null where there is none.");
        }

        var features = view.Features.Select(f => columns.Typed(f.Name, f.Type)).ToArray();
        var keys = Keys(snapshot, view, columns);

        // Feast writes nothing when there is nothing but nulls.
        var rows = new List<EncodedRow>(columns.Rows);
        if (view.Features.All(f => columns.Find(f.Name)!.All(v => v is null)))
        {
            return rows;
        }

        for (var row = 0; row < columns.Rows; row++)
        {
            rows.Add(new EncodedRow(keys[row], times[row], created?[row], Array.ConvertAll(features, f => f[row].ToByteArray())));
        }

        return rows;
    }

    private static byte[][] Keys(RegistrySnapshot snapshot, FeatureViewModel view, PushedColumns columns)
    {
        // A view without entities is written under the key that reads use. Feast writes another, which nobody reads.
        var hasEntities = view.JoinKeys.Any(k => k.Name != RetrievalPlan.DummyKey);
        var dummy = new Value { StringVal = string.Empty };
        var names = hasEntities ? view.JoinKeys.Select(k => k.Name).ToArray() : [RetrievalPlan.DummyKey];
        var values = hasEntities ? view.JoinKeys.Select(k => columns.Typed(k.Name, k.Type)).ToArray() : [];
        var template = new EntityKeyTemplate(names, snapshot.EntityKeyVersion);
        var buffer = new ArrayBufferWriter<byte>();
        var entity = new Value[names.Length];
        var keys = new byte[columns.Rows][];
        for (var row = 0; row < keys.Length; row++)
        {
            for (var k = 0; k < names.Length; k++)
            {
                entity[k] = hasEntities ? values[k][row] : dummy;
                if (entity[k].ValCase == Value.ValOneofCase.None || entity[k] is { ValCase: Value.ValOneofCase.UnixTimestampVal, UnixTimestampVal: FeatureValues.NullTimestamp })
                {
                    throw new RetrievalException(RetrievalFault.Invalid, $"Join key '{names[k]}', row {row}: a key is never null.");
                }
            }

            buffer.ResetWrittenCount();
            template.Write(buffer, entity);
            keys[row] = buffer.WrittenSpan.ToArray();
        }

        return keys;
    }
}
