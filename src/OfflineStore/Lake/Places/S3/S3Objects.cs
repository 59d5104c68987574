using System.Net;
using Amazon.S3;
using Amazon.S3.Model;

namespace FeatureStore.OfflineStore.Lake.Places.S3;

/// <summary>The objects of one bucket: what they are, their bytes, and which there are.</summary>
internal sealed class S3Objects(S3Requests requests, string bucket)
{
    private const int BufferBytes = 128 * 1024;

    public string Bucket => bucket;

    public LakeObject? Stat(string key)
    {
        try
        {
            var head = requests.Send($"{Name(key)} is looked at", (c, a) => c.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = bucket, Key = key }, a.Token));
            return new LakeObject(key, head.ContentLength, Utc(head.LastModified), Bare(head.ETag));
        }
        catch (AmazonS3Exception e) when (S3Requests.IsMissing(e))
        {
            return null;
        }
    }

    /// <summary>An object's bytes, or null where it is not there. For small ones: it is held in memory.</summary>
    public byte[]? Get(string key)
    {
        using var bytes = new MemoryStream();
        return Fetch(key, bytes) is null ? null : bytes.ToArray();
    }

    /// <summary>Writes an object's bytes to a stream, from the start again after each failure, and sees that they are all there and as the ETag says.</summary>
    public LakeObject? Fetch(string key, Stream to)
    {
        try
        {
            return requests.Send($"{Name(key)} is read", async (c, a) =>
            {
                to.SetLength(0);
                using var answer = await c.GetObjectAsync(new GetObjectRequest { BucketName = bucket, Key = key }, a.Token).ConfigureAwait(false);
                using var sum = new S3Sum();
                var buffer = new byte[BufferBytes];
                int read;
                long bytes = 0;
                while ((read = await answer.ResponseStream.ReadAsync(buffer, a.Token).ConfigureAwait(false)) > 0)
                {
                    a.GoesOn();
                    await to.WriteAsync(buffer.AsMemory(0, read), a.Token).ConfigureAwait(false);
                    sum.Add(buffer.AsSpan(0, read));
                    bytes += read;
                }

                return bytes != answer.ContentLength ? throw new IOException($"the answer ended after {bytes} of {answer.ContentLength} bytes")
                    : !S3Sum.Agrees(Bare(answer.ETag), sum.End(), answer.ServerSideEncryptionMethod) ? throw new IOException("the bytes are not those that the ETag tells")
                    : new LakeObject(key, bytes, Utc(answer.LastModified), Bare(answer.ETag));
            });
        }
        catch (AmazonS3Exception e) when (S3Requests.IsMissing(e))
        {
            return null;
        }
    }

    public void Delete(string key)
    {
        try
        {
            requests.Send($"{Name(key)} is deleted", (c, a) => c.DeleteObjectAsync(bucket, key, a.Token));
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            // Some servers say so; it is gone either way.
        }
    }

    /// <summary>Objects whose keys begin with a prefix, in the order of their keys, a page a request.</summary>
    /// <param name="after">Only keys after this one.</param>
    public IEnumerable<LakeObject> List(string prefix, string? after = null, bool isShallow = false) =>
        Pages(prefix, after, isShallow).SelectMany(p => p.S3Objects ?? [])
            .Select(o => new LakeObject(o.Key, o.Size ?? 0, Utc(o.LastModified), Bare(o.ETag)));

    /// <summary>The folders directly below a prefix, each ending with a slash.</summary>
    public IEnumerable<string> Folders(string prefix) => Pages(prefix, null, isShallow: true).SelectMany(p => p.CommonPrefixes ?? []);

    public bool IsAny(string prefix)
    {
        var page = Page(new ListObjectsV2Request { BucketName = bucket, Prefix = prefix, MaxKeys = 1 });
        return page.S3Objects is { Count: > 0 };
    }

    public string Name(string key) => $"s3://{bucket}/{key}";

    public static string? Bare(string? etag) => etag?.Trim('"');

    private IEnumerable<ListObjectsV2Response> Pages(string prefix, string? after, bool isShallow)
    {
        var request = new ListObjectsV2Request { BucketName = bucket, Prefix = prefix, StartAfter = after, Delimiter = isShallow ? "/" : null };
        while (true)
        {
            var page = Page(request);
            yield return page;
            if (page.IsTruncated != true || string.IsNullOrEmpty(page.NextContinuationToken))
            {
                yield break;
            }

            request.ContinuationToken = page.NextContinuationToken;
        }
    }

    private ListObjectsV2Response Page(ListObjectsV2Request request)
    {
        try
        {
            return requests.Send($"{Name(request.Prefix)} is listed", (c, a) => c.ListObjectsV2Async(request, a.Token));
        }
        catch (AmazonS3Exception e)
        {
            throw S3Requests.Refused($"{Name(request.Prefix)} is listed", e);
        }
    }

    public static DateTimeOffset Utc(DateTime? time) => time is { } t ? new DateTimeOffset(t.ToUniversalTime()) : DateTimeOffset.UnixEpoch;
}
