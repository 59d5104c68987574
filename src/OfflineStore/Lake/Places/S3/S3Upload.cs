using System.Net;
using Amazon.S3;
using Amazon.S3.Model;

namespace FeatureStore.OfflineStore.Lake.Places.S3;

/// <summary>
/// Sends bytes to a bucket. The server is told their MD5 and refuses others, and its ETag is compared with them afterwards. Files above a size go in
/// parts, one at a time in memory; what fails is aborted, so that no parts stay.
/// </summary>
internal sealed class S3Upload(S3Requests requests, S3Objects objects, long partBytes)
{
    private const int PartsMax = 10_000;
    private string Bucket => objects.Bucket;

    public void Put(string key, byte[] bytes)
    {
        var what = $"{objects.Name(key)} is written";
        try
        {
            requests.Send(what, (c, a) => Put(c, a, key, bytes, isConditional: false));
        }
        catch (AmazonS3Exception e)
        {
            throw S3Requests.Refused(what, e);
        }
    }

    /// <summary>One attempt, under the condition that the key is not taken or under none.</summary>
    /// <exception cref="AmazonS3Exception">412 if it is taken.</exception>
    public void PutOnce(string key, byte[] bytes, bool isConditional) => requests.Once((c, a) => Put(c, a, key, bytes, isConditional));

    /// <summary>Sends a file under a key that is never used for other bytes.</summary>
    public void Send(string file, string key)
    {
        var length = new FileInfo(file).Length;
        if (length <= partBytes)
        {
            Put(key, File.ReadAllBytes(file));
            return;
        }

        var what = $"{objects.Name(key)} is written";
        try
        {
            var upload = requests.Send(what, (c, a) => c.InitiateMultipartUploadAsync(Bucket, key, a.Token)).UploadId;
            SendParts(file, key, upload, length, what);
        }
        catch (AmazonS3Exception e)
        {
            throw S3Requests.Refused(what, e);
        }
    }

    /// <summary>Uploads in parts that were begun before a moment and neither completed nor aborted, as by a run that was killed. MinIO takes only whole keys for a prefix, so the bucket's are asked for.</summary>
    public IReadOnlyList<MultipartUpload> Unfinished(string prefix, DateTimeOffset before)
    {
        var found = new List<MultipartUpload>();
        var request = new ListMultipartUploadsRequest { BucketName = Bucket };
        var what = $"uploads to {objects.Name(prefix)} are listed";
        try
        {
            while (true)
            {
                var page = requests.Send(what, (c, a) => c.ListMultipartUploadsAsync(request, a.Token));
                found.AddRange((page.MultipartUploads ?? []).Where(u => u.Key.StartsWith(prefix, StringComparison.Ordinal) && S3Objects.Utc(u.Initiated) < before));
                if (page.IsTruncated != true)
                {
                    return found;
                }

                (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
            }
        }
        catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.NotImplemented or HttpStatusCode.MethodNotAllowed or HttpStatusCode.Forbidden)
        {
            // Not known to this server, or not for this key: they are left to a rule of the bucket.
            return [];
        }
        catch (AmazonS3Exception e)
        {
            throw S3Requests.Refused(what, e);
        }
    }

    /// <summary>Deletes the parts of an upload; one that is gone is no fault.</summary>
    public void Remove(string key, string upload)
    {
        var what = $"the unfinished upload of {objects.Name(key)} is ended";
        try
        {
            requests.Send(what, (c, a) => c.AbortMultipartUploadAsync(Bucket, key, upload, a.Token));
        }
        catch (AmazonS3Exception e) when (S3Requests.IsMissing(e))
        {
            // It was ended or completed meanwhile.
        }
        catch (AmazonS3Exception e)
        {
            throw S3Requests.Refused(what, e);
        }
    }

    private void SendParts(string file, string key, string upload, long length, string what)
    {
        try
        {
            var size = Math.Max(partBytes, (length / PartsMax) + 1);
            var (etags, sums) = (new List<PartETag>(), new List<byte[]>());
            using var stream = File.OpenRead(file);
            for (long at = 0; at < length; at += size)
            {
                var bytes = new byte[Math.Min(size, length - at)];
                stream.ReadExactly(bytes);
                var number = etags.Count + 1;
                var etag = requests.Send(what, (c, a) => Part(c, a, key, upload, number, bytes));
                etags.Add(new PartETag(number, etag));
                sums.Add(S3Sum.Of(bytes));
            }

            Complete(key, upload, etags, S3Sum.OfParts(sums), length, what);
        }
        catch
        {
            Abort(key, upload);
            throw;
        }
    }

    // If the answer is lost, the next attempt finds no upload; then the object tells whether it was this one.
    private void Complete(string key, string upload, List<PartETag> etags, string expected, long length, string what)
    {
        try
        {
            var request = new CompleteMultipartUploadRequest { BucketName = Bucket, Key = key, UploadId = upload, PartETags = etags };
            requests.Send(what, (c, a) => c.CompleteMultipartUploadAsync(request, a.Token));
        }
        catch (AmazonS3Exception e) when (S3Requests.IsMissing(e) && objects.Stat(key)?.Bytes == length)
        {
            // It was.
        }

        var there = objects.Stat(key);
        if (there?.Bytes != length || (there.ETag is { } etag && etag.Length == expected.Length && etag.EndsWith(expected[32..], StringComparison.Ordinal) && etag != expected))
        {
            throw new S3Exception($"{what}: the server holds {there?.Bytes} bytes with ETag {there?.ETag}, and {length} with {expected} were sent. See its log, and run the command again.");
        }
    }

    private void Abort(string key, string upload)
    {
        try
        {
            requests.Once((c, a) => c.AbortMultipartUploadAsync(Bucket, key, upload, a.Token));
        }
        catch (Exception e) when (e is AmazonS3Exception || S3Requests.IsPassing(e))
        {
            // What made the upload fail is told; a vacuum ends this one.
        }
    }

    private async Task<string> Put(AmazonS3Client client, S3Attempt attempt, string key, byte[] bytes, bool isConditional)
    {
        var sum = S3Sum.Of(bytes);
        using var stream = new S3Body(bytes, attempt);
        var request = new PutObjectRequest
        {
            BucketName = Bucket,
            Key = key,
            InputStream = stream,
            MD5Digest = Convert.ToBase64String(sum),
            UseChunkEncoding = false,
            AutoCloseStream = false,
        };
        if (isConditional)
        {
            request.IfNoneMatch = "*"; // Bare: in quotes it is an ETag, and servers overwrite.
        }

        var answer = await client.PutObjectAsync(request, attempt.Token).ConfigureAwait(false);
        return S3Sum.Agrees(S3Objects.Bare(answer.ETag), sum, answer.ServerSideEncryptionMethod)
            ? answer.ETag
            : throw new IOException($"the server answered with ETag {answer.ETag} to bytes of {Convert.ToHexStringLower(sum)}");
    }

    private async Task<string> Part(AmazonS3Client client, S3Attempt attempt, string key, string upload, int number, byte[] bytes)
    {
        var sum = S3Sum.Of(bytes);
        using var stream = new S3Body(bytes, attempt);
        var answer = await client.UploadPartAsync(
            new UploadPartRequest
            {
                BucketName = Bucket,
                Key = key,
                UploadId = upload,
                PartNumber = number,
                PartSize = bytes.Length,
                InputStream = stream,
                MD5Digest = Convert.ToBase64String(sum),
                UseChunkEncoding = false,
            },
            attempt.Token).ConfigureAwait(false);
        return S3Sum.Agrees(S3Objects.Bare(answer.ETag), sum, answer.ServerSideEncryptionMethod)
            ? answer.ETag
            : throw new IOException($"the server answered with ETag {answer.ETag} to a part of {Convert.ToHexStringLower(sum)}");
    }

    /// <summary>Bytes whose reading lets the attempt go on: a slow line is no stall.</summary>
    private sealed class S3Body(byte[] bytes, S3Attempt attempt) : MemoryStream(bytes, writable: false)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            attempt.GoesOn();
            return await base.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
    }
}
