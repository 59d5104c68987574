namespace FeatureStore.Scoring.Models;

/// <summary>A model that must not be used: damaged, hostile, of a kind that is not supported, or not made for these features.</summary>
public sealed class ModelRefusedException(string message, Exception? cause = null) : Exception(message, cause);
