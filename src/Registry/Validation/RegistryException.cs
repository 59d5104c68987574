namespace FeatureStore.Registry.Validation;

/// <summary>The registry is missing, damaged, or held by another writer; the message says which, and what to do.</summary>
public class RegistryException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>Another writer changed the registry; nothing was written, and trying again with a fresh plan is right.</summary>
public sealed class RegistryConflictException(string message) : RegistryException(message);
