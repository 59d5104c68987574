namespace FeatureStore.Serving.Retrieval;

/// <summary>Why a request is not answered; each API maps it to its own code in one table.</summary>
public enum RetrievalFault
{
    /// <summary>A feature service that the registry does not have.</summary>
    ServiceNotFound,

    /// <summary>A feature view that the registry does not have.</summary>
    ViewNotFound,

    /// <summary>A feature that its view does not have.</summary>
    FeatureNotFound,

    /// <summary>Two columns of the answer would have one name.</summary>
    NameCollision,

    /// <summary>The request contradicts itself or the registry.</summary>
    Invalid,

    /// <summary>A value that on-demand views need is not in the request.</summary>
    RequestDataMissing,

    /// <summary>A limit is passed; the message names it.</summary>
    TooLarge,

    /// <summary>The view exists and is not to be read online.</summary>
    NotServed,

    /// <summary>The view is being written, and the policy keeps readers out until then.</summary>
    NotReady,

    /// <summary>The service's stored vectors do not answer the request.</summary>
    NotPrecomputed,

    /// <summary>What is stored cannot be read.</summary>
    Corrupt,

    /// <summary>A push source that feeds no view.</summary>
    PushSourceNotFound,

    /// <summary>The server was started without what this needs.</summary>
    NotSetUp,

    /// <summary>A model that is not there, or of which no version is live.</summary>
    ModelNotFound,

    /// <summary>The model was not made for what is served, or cannot score this batch.</summary>
    ModelRefused,

    /// <summary>The decision could not be recorded, so it is not given.</summary>
    NotRecorded,
}

/// <summary>The request cannot be answered; the message names what is wrong and is safe to show to the caller.</summary>
public sealed class RetrievalException(RetrievalFault fault, string message) : Exception(message)
{
    public RetrievalFault Fault { get; } = fault;
}
