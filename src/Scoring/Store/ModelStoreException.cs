namespace FeatureStore.Scoring.Store;

/// <summary>The store of models cannot do what was asked: a name is unknown, taken or impossible, or another process is changing it.</summary>
public sealed class ModelStoreException(string message, Exception? cause = null) : Exception(message, cause);
