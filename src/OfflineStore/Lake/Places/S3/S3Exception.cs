namespace FeatureStore.OfflineStore.Lake.Places.S3;

/// <summary>The S3 server could not be reached, or refused. What was asked of it is safe to ask again.</summary>
public sealed class S3Exception(string message, Exception? cause = null) : IOException(message, cause);
