namespace FeatureStore.Serving.Hosting;

/// <summary>Whether new requests should come here: from the start until the server is told to stop. Both APIs' health say this and nothing else.</summary>
internal sealed class Readiness
{
    private volatile bool _isReady;

    public bool IsReady
    {
        get => _isReady;
        set => _isReady = value;
    }
}
