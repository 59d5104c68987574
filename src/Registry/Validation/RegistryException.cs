namespace FeatureStore.Registry.Validation;

/// <summary>The registry file is missing, damaged, or held by another writer; the message says which, and what to do.</summary>
public sealed class RegistryException(string message, Exception? cause = null) : Exception(message, cause);
