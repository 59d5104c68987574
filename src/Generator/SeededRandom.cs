namespace FeatureStore.Generator;

/// <summary>SplitMix64: written here because the runtime does not promise the same sequence in every version.</summary>
internal struct SeededRandom
{
    private const double UnitPerStep = 1.0 / (1L << 53);
    private ulong _state;

    /// <summary>A sequence of its own for each seed, purpose and index.</summary>
    public SeededRandom(ulong seed, ulong purpose, ulong index)
    {
        _state = seed;
        _state = Next() ^ purpose;
        _state = Next() ^ index;
    }

    /// <summary>From 0, below 1.</summary>
    public double Unit() => (Next() >> 11) * UnitPerStep;

    /// <summary>From 0, below <paramref name="end"/>.</summary>
    public int Index(int end) => (int)(Unit() * end);

    /// <summary>From 0, below <paramref name="end"/>.</summary>
    public long Span(long end) => (long)(Unit() * end);

    /// <summary>Standard normal (Box and Muller).</summary>
    public double Normal()
    {
        var radius = Math.Sqrt(-2 * Math.Log(1 - Unit()));
        return radius * Math.Cos(2 * Math.PI * Unit());
    }

    private ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
