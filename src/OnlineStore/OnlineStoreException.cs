namespace FeatureStore.OnlineStore;

/// <summary>The store cannot answer; the message names it and the way out.</summary>
public sealed class OnlineStoreException(string message, Exception? cause = null) : Exception(message, cause);
