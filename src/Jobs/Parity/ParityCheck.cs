using Feast.Types;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore;
using Google.Protobuf;

namespace FeatureStore.Jobs.Parity;

/// <summary>One entity whose online row is not the offline truth.</summary>
/// <param name="EntityKeyHex">The entity key's bytes, in hex.</param>
/// <param name="Reason">What differs, for instance a feature's name with both values, as text and in hex.</param>
public sealed record ParityDifference(string EntityKeyHex, string Reason);

/// <summary>The outcome over all entities of a view. <see cref="Ahead"/> counts rows that a push made newer than the lake.</summary>
public sealed record ParityReport(long Total, long Equal, long Ahead, IReadOnlyList<ParityDifference> FirstDifferences)
{
    /// <summary>True when no entity differs; entities ahead by push do not count as differences.</summary>
    public bool Passed => Equal + Ahead == Total;
}

/// <summary>Compares every entity's online values with the offline truth, bit for bit.</summary>
public sealed class ParityCheck(IOnlineStore online)
{
    private const int DifferencesMax = 10;
    private const long MicrosPerSecond = 1_000_000;

    /// <summary>Takes batches that hold each entity's newest offline row and reads the same entities from the store.</summary>
    public async Task<ParityReport> RunAsync(
        OnlineTable table, IEnumerable<IReadOnlyList<EncodedRow>> batches, CancellationToken cancellationToken)
    {
        long total = 0;
        long equal = 0;
        long ahead = 0;
        var differences = new List<ParityDifference>();
        foreach (var batch in batches)
        {
            var reads = (await online.ReadAsync([table], [.. batch.Select(r => r.EntityKey)], cancellationToken))[0];
            for (var i = 0; i < batch.Count; i++)
            {
                total++;
                if (reads[i].EventTimeMicros > batch[i].EventTimeMicros)
                {
                    ahead++;
                }
                else if (Difference(table, batch[i], reads[i]) is { } reason)
                {
                    if (differences.Count < DifferencesMax)
                    {
                        differences.Add(new ParityDifference(Convert.ToHexStringLower(batch[i].EntityKey), reason));
                    }
                }
                else
                {
                    equal++;
                }
            }
        }

        return new ParityReport(total, equal, ahead, differences);
    }

    private static string? Difference(OnlineTable table, EncodedRow offline, OnlineRead read)
    {
        if (read.EventTimeMicros is not { } time)
        {
            return "no online row";
        }

        // Feast's SQLite layout keeps whole seconds, so a time cut to the second is the same row.
        if (time != offline.EventTimeMicros && time != offline.EventTimeMicros - PositiveRemainder(offline.EventTimeMicros))
        {
            return $"event time {time} online, {offline.EventTimeMicros} offline (microseconds)";
        }

        for (var f = 0; f < table.Features.Count; f++)
        {
            var value = read.Values[f];
            if (value is null || !value.AsSpan().SequenceEqual(offline.Values[f]))
            {
                return $"{table.Features[f]} is {(value is null ? "absent" : Text(value))} online and {Text(offline.Values[f])} offline";
            }
        }

        return null;
    }

    // Two that read the same differ in their bytes alone.
    private static string Text(byte[] stored)
    {
        try
        {
            return stored.Length == 0 ? "null" : $"{ValueJson.Text(Value.Parser.ParseFrom(stored))} (0x{Convert.ToHexStringLower(stored)})";
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or ValueJsonException)
        {
            return $"no value (0x{Convert.ToHexStringLower(stored)})";
        }
    }

    private static long PositiveRemainder(long micros) => ((micros % MicrosPerSecond) + MicrosPerSecond) % MicrosPerSecond;
}
