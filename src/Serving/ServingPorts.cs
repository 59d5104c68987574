using FeatureStore.Serving.Writing;

namespace FeatureStore.Serving;

/// <summary>What the server may be given from other rooms; each that is absent is refused by name when it is asked for.</summary>
public sealed record ServingPorts(IOfflinePush? OfflinePush = null, IMaterializer? Materializer = null)
{
    /// <summary>None of them.</summary>
    public static ServingPorts None { get; } = new();
}
