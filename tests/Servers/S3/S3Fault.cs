namespace FeatureStore.Tests.Servers.S3;

/// <summary>What goes wrong with one request.</summary>
public enum S3Fault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>503 SlowDown, nothing is applied.</summary>
    SlowDown,

    /// <summary>500 InternalError after it was applied.</summary>
    FailsAfterApplying,

    /// <summary>It is applied and the connection ends without an answer.</summary>
    LosesAnswer,

    /// <summary>Nothing is applied and no answer comes until the client goes.</summary>
    Stalls,

    /// <summary>It is applied and no answer comes until the client goes.</summary>
    StallsAfterApplying,

    /// <summary>The answer's body ends in its middle, with the connection.</summary>
    CutsBody,

    /// <summary>A byte of the answer's body is another.</summary>
    DamagesBody,

    /// <summary>The bytes that are stored and told of are others than those sent.</summary>
    StoresOtherBytes,

    /// <summary>403 SignatureDoesNotMatch.</summary>
    Refuses,
}

/// <summary>A request as it arrived.</summary>
/// <param name="Target">Bucket and key.</param>
public sealed record S3Seen(string Method, string Target, string Query, bool IsConditional);
