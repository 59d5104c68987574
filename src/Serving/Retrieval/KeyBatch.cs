using System.Buffers;
using Feast.Types;
using FeatureStore.Contract.Keys;

namespace FeatureStore.Serving.Retrieval;

/// <summary>The distinct entity keys of a group, and which of them each row has.</summary>
internal sealed class KeyBatch
{
    private static readonly Value DummyValue = new() { StringVal = string.Empty };

    private readonly List<byte[]> _keys = [];

    private KeyBatch(int rows) => KeyOfRow = new int[rows];

    public IReadOnlyList<byte[]> Keys => _keys;

    public int[] KeyOfRow { get; }

    /// <summary>Encodes the keys of all rows through one buffer; a key that comes again costs no bytes of its own.</summary>
    /// <exception cref="RetrievalException">A join key is missing.</exception>
    /// <exception cref="EntityKeyException">A value's type cannot be a key.</exception>
    public static KeyBatch Encode(PlannedGroup group, EntityBinding entities, int keyVersion, StatusPolicy policy)
    {
        var (columns, keys) = Columns(group, entities, keyVersion, policy);
        var batch = new KeyBatch(entities.Rows);
        var buffer = new ArrayBufferWriter<byte>();
        var distinct = new Dictionary<byte[], int>(EntityKeyComparer.Instance);
        var lookup = distinct.GetAlternateLookup<ReadOnlySpan<byte>>();
        var values = new Value[columns.Length];
        for (var row = 0; row < entities.Rows; row++)
        {
            for (var c = 0; c < columns.Length; c++)
            {
                values[c] = columns[c] is { } column ? column[row] : DummyValue;
            }

            buffer.ResetWrittenCount();
            keys.Write(buffer, values);
            if (!lookup.TryGetValue(buffer.WrittenSpan, out var index))
            {
                index = batch._keys.Count;
                var key = buffer.WrittenSpan.ToArray();
                distinct.Add(key, index);
                batch._keys.Add(key);
            }

            batch.KeyOfRow[row] = index;
        }

        return batch;
    }

    // A null column stands for the key of views without entities, which is the same in every row.
    private static (IReadOnlyList<Value>?[] Columns, EntityKeyTemplate Keys) Columns(
        PlannedGroup group, EntityBinding entities, int keyVersion, StatusPolicy policy)
    {
        var columns = new IReadOnlyList<Value>?[group.RequestNames.Count];
        var missing = new List<int>();
        for (var i = 0; i < columns.Length; i++)
        {
            columns[i] = entities.Values(group.RequestNames[i]);
            if (columns[i] is null && group.RequestNames[i] != RetrievalPlan.DummyKey)
            {
                missing.Add(i);
            }
        }

        if (missing.Count == 0)
        {
            return (columns, group.Keys);
        }

        if (policy.IsTruthful || missing.Count == columns.Length)
        {
            throw new RetrievalException(
                RetrievalFault.Invalid,
                $"The entities lack the join key {string.Join(", ", missing.Select(i => group.RequestNames[i]))} of the feature view '{group.Tables[0].View}'; send a list of values for it.");
        }

        // Feast looks up the key of the join keys that there are, and so finds nothing.
        int[] given = [.. Enumerable.Range(0, columns.Length).Except(missing)];
        return ([.. given.Select(i => columns[i])], new EntityKeyTemplate([.. given.Select(i => group.JoinKeys[i])], keyVersion));
    }
}
