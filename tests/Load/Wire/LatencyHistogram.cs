using System.Numerics;

namespace FeatureStore.Load.Wire;

/// <summary>Counts of latencies in microseconds, in buckets no wider than 1/64 of their value (as HdrHistogram's), so that adding costs no memory.</summary>
internal sealed class LatencyHistogram
{
    private const int SubBits = 6;
    private const int SubCount = 1 << SubBits;

    private readonly long[] _counts = new long[(64 - SubBits) * SubCount];

    public long Count { get; private set; }

    public void Add(double micros)
    {
        _counts[Bucket((ulong)Math.Max(0, micros))]++;
        Count++;
    }

    /// <summary>The least latency that the share of calls did not pass, to the bucket's upper end.</summary>
    public double Quantile(double share)
    {
        var wanted = (long)Math.Ceiling(share * Count);
        long seen = 0;
        for (var i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= wanted && seen > 0)
            {
                return Upper(i);
            }
        }

        return 0;
    }

    private static int Bucket(ulong micros)
    {
        var shift = Math.Max(0, 64 - BitOperations.LeadingZeroCount(micros) - SubBits - 1);
        return (shift * SubCount) + (int)(micros >> shift);
    }

    private static double Upper(int bucket)
    {
        var shift = bucket < 2 * SubCount ? 0 : (bucket / SubCount) - 1;
        return (ulong)(bucket - (shift * SubCount) + 1) << shift;
    }
}
