namespace FeatureStore.OfflineStore.Lake.Places.S3;

/// <summary>Whether the server honours <c>If-None-Match: *</c> on a PUT.</summary>
public enum ConditionalPut
{
    /// <summary>Asked of each bucket by a probe before its first commit.</summary>
    Auto,

    /// <summary>It does. If that is not so, writers overwrite each other's commits.</summary>
    Yes,

    /// <summary>It does not: a lease guards the single writer.</summary>
    No,
}

/// <summary>A server of the S3 protocol, and how it is used: <c>fstore: s3:</c> in <c>feature_store.yaml</c>.</summary>
/// <param name="Endpoint">Its address, <c>http://host:9000</c>; null for Amazon's own by region.</param>
/// <param name="CacheFolder">Where objects are kept for reading, and drafts until they are sent.</param>
/// <param name="CacheBytes">How much is kept. What a running query needs is fetched whatever the bound.</param>
/// <param name="Timeout">How long one request, or a pause within a transfer, may last.</param>
/// <param name="Attempts">How often a request is sent in all.</param>
/// <param name="PartBytes">Larger files are sent in parts of this size.</param>
public sealed record S3Options(
    Uri? Endpoint,
    string Region,
    string AccessKey,
    string SecretKey,
    bool PathStyle,
    ConditionalPut ConditionalPut,
    string CacheFolder,
    long CacheBytes,
    TimeSpan Timeout,
    int Attempts,
    long PartBytes = 16L << 20)
{
    /// <summary>How long a lease holds that its holder does not renew.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The first pause between attempts; each further one may be twice as long.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Without the secrets.</summary>
    public override string ToString() => $"{Endpoint?.ToString() ?? "Amazon S3"} ({Region})";
}
