using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using Google.Protobuf;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>Writes rows by script calls of some keys each, in bounded pipelined batches.</summary>
internal sealed class RedisWriter(RedisOnlineStoreOptions options, RedisConnection connection, RedisFences fences)
{
    private const int BatchRowsMax = 1_000;

    // Redis takes at most 1,048,576 arguments in a command; all rows of a batch may be of one key.
    private const int BatchItemsMax = 250_000;

    // The server does nothing else during a call, so it holds no more than takes a fraction of a millisecond.
    private const int CallItemsMax = 500;

    // A script of a cluster may not look at the keys of two slots.
    private readonly bool _isKeyPerCall = options.Deployment == RedisDeployment.RedisCluster;

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
            var calls = CallsOf(KeysOf(rows, from, Math.Min(batchRows, rows.Count - from)), width).Select(hashes => database.ScriptEvaluateAsync(
                RedisScripts.Write, Keys(table, hashes, fence), Arguments(fields, hashes, write, fence is not null, width)));
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

    private IEnumerable<List<List<EncodedRow>>> CallsOf(IEnumerable<List<EncodedRow>> hashes, int width)
    {
        var call = new List<List<EncodedRow>>();
        var items = 0;
        foreach (var rows in hashes)
        {
            var more = rows.Count * width;
            if (call.Count > 0 && (_isKeyPerCall || items + more > CallItemsMax))
            {
                yield return call;
                (call, items) = ([], 0);
            }

            call.Add(rows);
            items += more;
        }

        yield return call;
    }

    private static RedisKey[] Keys(OnlineTable table, List<List<EncodedRow>> hashes, RedisKey? fence)
    {
        var keys = hashes.Select(rows => (RedisKey)EntityKeyEncoder.ForRedis(rows[0].EntityKey, table.Project));
        return [.. fence is { } first ? keys.Prepend(first) : keys];
    }

    private RedisValue[] Arguments(RedisTable table, List<List<EncodedRow>> hashes, OnlineWrite write, bool isFenced, int width)
    {
        var rowsInAll = hashes.Sum(rows => rows.Count);
        var arguments = new RedisValue[RedisScripts.WriteHeaderLength + hashes.Count + ((RedisScripts.RowHeaderLength + width) * rowsInAll)];
        arguments[0] = options.SkipDedup || write.Rule == OnlineWriteRule.Replaces ? RedisScripts.RuleAlways
            : write.Rule == OnlineWriteRule.NewerOrEqualWins ? RedisScripts.RuleNewerOrEqual : RedisScripts.RuleNewer;
        arguments[1] = options.KeyTtlSeconds ?? 0;
        arguments[2] = isFenced ? RedisFences.Text(write.Fence!.Value) : RedisValue.EmptyString;
        arguments[3] = width;
        var at = RedisScripts.WriteHeaderLength;
        foreach (var rows in hashes)
        {
            arguments[at++] = rows.Count;
            foreach (var row in rows)
            {
                Put(arguments.AsSpan(at, RedisScripts.RowHeaderLength + width), table, row);
                at += RedisScripts.RowHeaderLength + width;
            }
        }

        return arguments;
    }

    private static void Put(Span<RedisValue> arguments, RedisTable table, EncodedRow row)
    {
        var time = ValueBytes.ToTimestamp(row.EventTimeMicros);
        (arguments[0], arguments[1], arguments[2], arguments[3]) = (time.Seconds, time.Nanos, table.TimeField, time.ToByteArray());
        for (var f = 0; f < table.Features.Length; f++)
        {
            arguments[4 + (2 * f)] = table.Features[f];
            arguments[5 + (2 * f)] = row.Values[f];
        }
    }
}
