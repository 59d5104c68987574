namespace FeatureStore.Generator;

/// <summary>Picks indexes by weight, in logarithmic time.</summary>
internal sealed class WeightedChoice
{
    private readonly double[] _upTo; // _upTo[i] = weight of 0..i

    public WeightedChoice(IEnumerable<double> weights)
    {
        var sum = 0.0;
        _upTo = weights.Select(weight => sum += weight).ToArray();
    }

    /// <summary>Zipf's law: the index i has weight 1 / (i + 1) ^ exponent.</summary>
    public static WeightedChoice Zipf(int count, double exponent) => new(Enumerable.Range(1, count).Select(rank => Math.Pow(rank, -exponent)));

    public int Pick(ref SeededRandom random)
    {
        var found = Array.BinarySearch(_upTo, random.Unit() * _upTo[^1]);
        return Math.Min(found < 0 ? ~found : found + 1, _upTo.Length - 1);
    }
}
