using System.Security.Cryptography;
using System.Text;

namespace FeatureStore.Tests.Servers.S3;

internal sealed record S3Stored(byte[] Bytes, string ETag, DateTimeOffset Modified, string ContentType);

internal sealed record S3Pending(string Key, DateTimeOffset Began, SortedDictionary<int, (byte[] Bytes, string ETag)> Parts);

/// <summary>What the buckets of a test server hold.</summary>
internal sealed class S3Buckets
{
    private static readonly IComparer<string> ByBytes = Comparer<string>.Create((a, b) => Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b)));

    public Dictionary<string, SortedDictionary<string, S3Stored>> Objects { get; } = [];

    public Dictionary<string, S3Pending> Uploads { get; } = [];

    public void Make(string bucket) => Objects.TryAdd(bucket, new SortedDictionary<string, S3Stored>(ByBytes));

#pragma warning disable CA5351 // The protocol names MD5.
    public static string Sum(byte[] bytes) => Convert.ToHexStringLower(MD5.HashData(bytes));
#pragma warning restore CA5351

    /// <summary>The parts named, joined; or an error's code.</summary>
    public static (S3Stored? Whole, string? Error) Join(S3Pending upload, IReadOnlyList<(int Number, string ETag)> named, DateTimeOffset now)
    {
        var parts = new List<(byte[] Bytes, string ETag)>();
        foreach (var (number, etag) in named)
        {
            if (!upload.Parts.TryGetValue(number, out var part) || part.ETag != etag.Trim('"'))
            {
                return (null, "InvalidPart");
            }

            parts.Add(part);
        }

        return parts.SkipLast(1).Any(p => p.Bytes.Length < 5 << 20) ? (null, "EntityTooSmall")
            : (new S3Stored([.. parts.SelectMany(p => p.Bytes)], $"{Sum([.. parts.SelectMany(p => Convert.FromHexString(p.ETag))])}-{parts.Count}", now, "application/octet-stream"), null);
    }
}
