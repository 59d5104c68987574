using System.Security.Cryptography;
using Amazon.S3;

namespace FeatureStore.OfflineStore.Lake.Places.S3;

/// <summary>MD5 as the S3 protocol uses it: to find damaged bytes, which is no matter of security.</summary>
internal sealed class S3Sum : IDisposable
{
#pragma warning disable CA5351 // The protocol names MD5.
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.MD5);

    public static byte[] Of(ReadOnlySpan<byte> bytes) => MD5.HashData(bytes);
#pragma warning restore CA5351

    /// <summary>The ETag of an object that was sent in parts.</summary>
    public static string OfParts(IReadOnlyList<byte[]> parts) => $"{Convert.ToHexStringLower(Of(parts.SelectMany(p => p).ToArray()))}-{parts.Count}";

    /// <summary>False if an ETag is a sum of the bytes and not this one. Objects in parts, or encrypted by a key service, have ETags that are none.</summary>
    public static bool Agrees(string? etag, byte[] sum, ServerSideEncryptionMethod? encryption) =>
        etag is not { Length: 32 } || !etag.All(char.IsAsciiHexDigit) || IsKeyed(encryption)
        || etag.Equals(Convert.ToHexStringLower(sum), StringComparison.OrdinalIgnoreCase);

    public static bool IsKeyed(ServerSideEncryptionMethod? encryption) => encryption?.Value.StartsWith("aws:kms", StringComparison.Ordinal) == true;

    public void Add(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

    public byte[] End() => _hash.GetHashAndReset();

    public void Dispose() => _hash.Dispose();
}
