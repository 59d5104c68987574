namespace FeatureStore.Serving.Retrieval;

/// <summary>What kind of mistake a request makes; each API maps it to its own code.</summary>
public enum RetrievalFault
{
    /// <summary>A service, view or feature that the registry does not have.</summary>
    NotFound,

    /// <summary>The request contradicts itself or the registry.</summary>
    Invalid,

    /// <summary>A limit is passed; the message names it.</summary>
    TooLarge,
}

/// <summary>The request cannot be answered; the message names what is wrong and is safe to show to the caller.</summary>
public sealed class RetrievalException(RetrievalFault fault, string message) : Exception(message)
{
    public RetrievalFault Fault { get; } = fault;
}
