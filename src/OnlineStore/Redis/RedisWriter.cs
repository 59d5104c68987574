using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>Writes rows by one script call per key, in bounded pipelined batches.</summary>
internal sealed class RedisWriter(RedisOnlineStoreOptions options, RedisConnection connection, RedisFences fences)
{
    private const int BatchRowsMax = 1_000;

    // Redis takes at most 1,048,576 arguments in a command; all rows of a batch may be of one key.
    private const int BatchItemsMax = 250_000;

    /// <summary>Writes the batches one after another, so that a later row of a key is decided after an earlier one.</summary>
    public async Task<OnlineWriteCounts> WriteAsync(
        IDatabase database, OnlineTable table, IReadOnlyList<EncodedRow> rows, OnlineWrite write, CancellationToken cancellationToken)
    {
        var fields = RedisTable.Of(table);
        var width = 2 * (fields.Features.Length + 1);
        var batchRows = Math.Clamp(BatchItemsMax / width, 1, BatchRowsMax);
        var fence = fences.ForScript(table, write);
        var written = 0;
        for (var from = 0; from < rows.Count; from += batchRows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await fences.CheckAsync(database, table, write, cancellationToken);
            var calls = KeysOf(rows, from, Math.Min(batchRows, rows.Count - from))
                .Select(k => database.ScriptEvaluateAsync(
                    RedisScripts.Write,
                    Keys(EntityKeyEncoder.ForRedis(k[0].EntityKey, table.Project), fence),
                    Arguments(fields, k, write, width)));
            try
            {
                written += (await connection.WaitAsync(Task.WhenAll(calls), cancellationToken)).Sum(taken => (int)taken);
            }
            catch (RedisServerException e) when (RedisFences.Refusal(table, e) is { } refusal)
            {
                throw refusal;
            }
        }

        return new OnlineWriteCounts(written, rows.Count - written);
    }

    private static RedisKey[] Keys(byte[] hash, RedisKey? fence) => fence is { } guarded ? [hash, guarded] : [hash];

    // Rows of one key go together and keep their order, whatever happens to the connection between two calls.
    private static Dictionary<byte[], List<EncodedRow>>.ValueCollection KeysOf(IReadOnlyList<EncodedRow> rows, int from, int count)
    {
        var keys = new Dictionary<byte[], List<EncodedRow>>(count, EntityKeyComparer.Instance);
        for (var i = from; i < from + count; i++)
        {
            if (!keys.TryGetValue(rows[i].EntityKey, out var same))
            {
                keys[rows[i].EntityKey] = same = new List<EncodedRow>(1);
            }

            same.Add(rows[i]);
        }

        return keys.Values;
    }

    private RedisValue[] Arguments(RedisTable table, List<EncodedRow> rows, OnlineWrite write, int width)
    {
        var arguments = new RedisValue[RedisScripts.WriteHeaderLength + (width * rows.Count)];
        arguments[0] = options.SkipDedup || write.Rule == OnlineWriteRule.Replaces ? RedisScripts.RuleAlways
            : write.Rule == OnlineWriteRule.NewerOrEqualWins ? RedisScripts.RuleNewerOrEqual : RedisScripts.RuleNewer;
        arguments[1] = options.KeyTtlSeconds ?? 0;
        arguments[2] = write.Fence is { } fence ? RedisFences.Text(fence) : RedisValue.EmptyString;
        arguments[3] = width;
        var at = RedisScripts.WriteHeaderLength;
        foreach (var row in rows)
        {
            arguments[at++] = table.TimeField;
            arguments[at++] = ValueBytes.Timestamp(row.EventTimeMicros);
            for (var f = 0; f < table.Features.Length; f++)
            {
                arguments[at++] = table.Features[f];
                arguments[at++] = row.Values[f];
            }
        }

        return arguments;
    }
}
