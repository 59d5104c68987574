using Feast.Serving;
using Feast.Types;
using FeatureStore.OnlineStore;
using Google.Protobuf;
using Timestamp = Google.Protobuf.WellKnownTypes.Timestamp;

namespace FeatureStore.Serving.Retrieval;

/// <summary>
/// A feature service whose vectors Feast stores ready-made: where they lie, and what one means to the service's plan. One
/// that is missing, or made before the service changed, fails the request as in Feast, whose rule this follows.
/// </summary>
internal sealed class PrecomputedService
{
    private const string ViewPrefix = "__precomputed__";
    private const long MicrosPerSecond = 1_000_000;
    private const long MillisPerSecond = 1_000;

    private readonly string _service;
    private readonly IReadOnlyList<PlannedFeature> _features;
    private readonly IReadOnlyList<string> _namesToUse;
    private readonly HashSet<string> _fullNames;

    /// <param name="namesToUse">The view's name, or its alias, of each feature.</param>
    public PrecomputedService(string project, string service, IReadOnlyList<PlannedFeature> features, IReadOnlyList<string> namesToUse)
    {
        _service = service;
        _features = features;
        _namesToUse = namesToUse;
        _fullNames = [.. features.Select(f => f.FullName)];
        Tables = [Table(project, service)];
    }

    /// <summary>The one table that a read asks for.</summary>
    public IReadOnlyList<OnlineTable> Tables { get; }

    /// <summary>Where the vectors of a service are stored.</summary>
    public static OnlineTable Table(string project, string service) => new(project, ViewPrefix + service, ["vector"]);

    /// <summary>The vector's values in the plan's order, with the time at which it was made.</summary>
    /// <param name="expired">Per feature: the row of its view had passed the ttl.</param>
    /// <exception cref="RetrievalException">There is no vector, it is of another schema, or it is damaged.</exception>
    public OnlineRead Read(in OnlineRead stored, long nowMicros, out bool[] expired)
    {
        if (stored.EventTimeMicros is null || stored.Values.Bytes(0) is not { Length: > 0 } bytes)
        {
            throw NotPrecomputed("an entity has no vector");
        }

        var vector = Parse(bytes);
        if (!_fullNames.SetEquals(vector.FeatureNames))
        {
            throw NotPrecomputed("a vector holds other features than the service has now");
        }

        var times = new Dictionary<string, long>(vector.FvTimestamps.Count);
        foreach (var entry in vector.FvTimestamps)
        {
            times[entry.FeatureViewName] = Micros(entry.EventTimestamp);
        }

        var values = new byte[_features.Count][];
        expired = new bool[values.Length];
        for (var f = 0; f < values.Length; f++)
        {
            values[f] = vector.Values[vector.FeatureNames.IndexOf(_features[f].FullName)].ToByteArray();
            expired[f] = _features[f].TtlMillis >= 0
                && times.TryGetValue(_namesToUse[f], out var time)
                && nowMicros - time > _features[f].TtlMillis / MillisPerSecond * MicrosPerSecond;
        }

        return new OnlineRead(Micros(vector.PrecomputedAt), values);
    }

    /// <summary>The fault of a request that vectors cannot answer.</summary>
    public RetrievalException NotPrecomputed(string why) => new(
        RetrievalFault.NotPrecomputed,
        $"The feature service '{_service}' has precompute_online, and its stored vectors cannot answer: {why}. "
        + "Precompute it in Feast, ask for the features by reference, or serve with policy strict, which reads the views.");

    private PrecomputedFeatureVector Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var vector = PrecomputedFeatureVector.Parser.ParseFrom(Value.Parser.ParseFrom(bytes).BytesVal);
            if (vector.Values.Count == vector.FeatureNames.Count)
            {
                return vector;
            }
        }
        catch (InvalidProtocolBufferException)
        {
            // The same as a vector with more names than values.
        }

        throw new RetrievalException(RetrievalFault.Corrupt, $"A stored vector of the feature service '{_service}' is damaged; precompute it again in Feast.");
    }

    private static long Micros(Timestamp? time) => time is null ? 0 : (time.Seconds * MicrosPerSecond) + (time.Nanos / 1_000);
}
