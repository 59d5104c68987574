using System.Collections.Concurrent;

namespace FeatureStore.OfflineStore.Lake.Places.S3;

/// <summary>A server of the S3 protocol, with the cache that its objects are read from. One for a process.</summary>
public sealed class S3Connection : IDisposable
{
    /// <summary>How an address of the protocol begins.</summary>
    public const string Scheme = "s3://";

    private readonly S3Requests _requests;
    private readonly ConcurrentDictionary<string, S3Bucket> _buckets = [];
    private readonly Lazy<S3Cache> _cache;

    private S3Connection(S3Options options, TimeProvider time)
    {
        Options = options;
        _requests = new S3Requests(options, time);
        _cache = new Lazy<S3Cache>(() => S3Cache.Open(options.CacheFolder, options.CacheBytes));
    }

    internal S3Options Options { get; }

    internal S3Requests Requests => _requests;

    internal S3Cache Cache => _cache.Value;

    /// <summary>Nothing is connected yet.</summary>
    public static S3Connection Open(S3Options options, TimeProvider? time = null) => new(options, time ?? TimeProvider.System);

    /// <summary>A prefix of a bucket.</summary>
    /// <exception cref="DeltaException">It is no address.</exception>
    public LakePlace Place(string address)
    {
        var rest = address.StartsWith(Scheme, StringComparison.Ordinal) ? address[Scheme.Length..] : string.Empty;
        var parts = rest.Split('/', 2);
        var prefix = parts.Length == 2 ? parts[1].Trim('/') : string.Empty;
        return parts[0].Length < 3 || prefix.Split('/') is var names && prefix.Length > 0 && names.Any(n => n is "" or "." or "..")
            ? throw new DeltaException($"'{address}' is no address of an S3 bucket; write s3://bucket/prefix.")
            : new S3Place(this, Bucket(parts[0]), prefix);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _requests.Dispose();
        if (_cache.IsValueCreated)
        {
            _cache.Value.Dispose();
        }
    }

    private S3Bucket Bucket(string name) => _buckets.GetOrAdd(name, n =>
    {
        var objects = new S3Objects(_requests, n);
        var upload = new S3Upload(_requests, objects, Options.PartBytes);
        return new S3Bucket(objects, upload, new S3Commit(_requests, objects, upload, Options), []);
    });
}

/// <summary>A bucket as places use it.</summary>
/// <param name="Leases">Those that this process holds, by table.</param>
internal sealed record S3Bucket(S3Objects Objects, S3Upload Upload, S3Commit Commit, ConcurrentDictionary<string, S3Lease> Leases);
