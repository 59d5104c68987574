using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.Http;

namespace FeatureStore.Tests.Servers.S3;

/// <summary>A request as the protocol sees it.</summary>
internal sealed record S3Request(string Method, string Target, IQueryCollection Query, IHeaderDictionary Headers, byte[] Body)
{
    /// <summary>True if the sums that were sent with the body are of other bytes.</summary>
    public bool IsUnchecked { get; init; }

    public string Bucket => Target.Split('/', 2)[0];

    public string Key => Target.Split('/', 2) is [_, var key] ? key : string.Empty;

    public string? Header(string name) => Headers.TryGetValue(name, out var value) ? value.ToString() : null;

    public string? Asked(string name) => Query.TryGetValue(name, out var value) ? value.ToString() : null;
}

/// <summary>The answers, one request after the other.</summary>
internal sealed class S3Protocol
{
    private readonly Lock _one = new();
    private readonly S3Buckets _buckets = new();

    public bool IsConditional { get; set; } = true;

    public int PendingUploads => _buckets.Uploads.Count;

    public void Make(string bucket) => _buckets.Make(bucket);

    public IReadOnlyList<string> Keys(string bucket)
    {
        lock (_one)
        {
            return [.. _buckets.Objects[bucket].Keys];
        }
    }

    public byte[]? Get(string bucket, string key)
    {
        lock (_one)
        {
            return _buckets.Objects[bucket].GetValueOrDefault(key)?.Bytes;
        }
    }

    public void Set(string bucket, string key, byte[]? bytes, DateTimeOffset? modified)
    {
        lock (_one)
        {
            if (bytes is null)
            {
                _buckets.Objects[bucket].Remove(key);
            }
            else
            {
                _buckets.Objects[bucket][key] = new S3Stored(bytes, S3Buckets.Sum(bytes), modified ?? Now(), "application/octet-stream");
            }
        }
    }

    public S3Answer Answer(S3Request request)
    {
        lock (_one)
        {
            if (Denied(request) is { } denied)
            {
                return denied;
            }

            if (!_buckets.Objects.TryGetValue(request.Bucket, out var objects))
            {
                return Head(request, S3Answer.Error(404, "NoSuchBucket"));
            }

            return request.Key.Length == 0 ? OfBucket(request, objects)
                : request.Key.Split('/') is var parts && (parts.Contains("..") || parts.Contains(".") || request.Key.Contains("//", StringComparison.Ordinal)) ? S3Answer.Error(400, "XMinioInvalidResourceName")
                : request.Asked("uploads") is not null || request.Asked("uploadId") is not null ? OfUpload(request, objects)
                : OfObject(request, objects);
        }
    }

    private static S3Answer? Denied(S3Request request)
    {
        if (request.Header("authorization") is not { } authorization)
        {
            return Head(request, S3Answer.Error(403, "AccessDenied"));
        }

        if (!authorization.Contains($"Credential={S3TestServer.AccessKey}/", StringComparison.Ordinal))
        {
            return Head(request, S3Answer.Error(403, "InvalidAccessKeyId"));
        }

        if (request.IsUnchecked || request.Method is not ("PUT" or "POST"))
        {
            return null;
        }

        var content = request.Header("x-amz-content-sha256");
        return content is { Length: 64 } && content != Convert.ToHexStringLower(SHA256.HashData(request.Body)) ? S3Answer.Error(400, "XAmzContentSHA256Mismatch")
            : request.Header("content-md5") is { } md5 && Convert.ToHexStringLower(Convert.FromBase64String(md5)) != S3Buckets.Sum(request.Body) ? S3Answer.Error(400, "BadDigest")
            : null;
    }

    private S3Answer OfBucket(S3Request request, SortedDictionary<string, S3Stored> objects)
    {
        switch (request.Method)
        {
            case "GET" when request.Asked("uploads") is not null:
                return S3Answer.Xml(new XElement(S3Answer.Xmlns + "ListMultipartUploadsResult", new XElement(S3Answer.Xmlns + "Prefix"), new XElement(S3Answer.Xmlns + "IsTruncated", "false"), _buckets.Uploads.OrderBy(u => u.Value.Key, StringComparer.Ordinal).Select(u =>
                    new XElement(S3Answer.Xmlns + "Upload", new XElement(S3Answer.Xmlns + "Key", u.Value.Key), new XElement(S3Answer.Xmlns + "UploadId", u.Key),
                    new XElement(S3Answer.Xmlns + "Initiated", u.Value.Began.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture))))));
            case "GET":
                return S3Listing.Of(request.Bucket, objects, request.Asked);
            case "POST" when request.Asked("delete") is not null:
                if (request.Header("content-md5") is null && request.Header("x-amz-checksum-crc32") is null)
                {
                    return S3Answer.Error(400, "MissingContentMD5");
                }

                var document = XDocument.Parse(Encoding.UTF8.GetString(request.Body));
                var isQuiet = document.Descendants().Any(e => e.Name.LocalName == "Quiet" && e.Value == "true");
                var keys = document.Descendants().Where(e => e.Name.LocalName == "Key").Select(e => e.Value).ToList();
                keys.ForEach(k => objects.Remove(k));
                return S3Answer.Xml(new XElement(S3Answer.Xmlns + "DeleteResult", isQuiet ? null : keys.Select(k => new XElement(S3Answer.Xmlns + "Deleted", new XElement(S3Answer.Xmlns + "Key", k)))));
            default:
                return S3Answer.Empty(200);
        }
    }

    private S3Answer OfUpload(S3Request request, SortedDictionary<string, S3Stored> objects)
    {
        if (request.Asked("uploads") is not null)
        {
            var started = Guid.NewGuid().ToString("N");
            _buckets.Uploads[started] = new S3Pending(request.Key, DateTimeOffset.UtcNow, []);
            return S3Answer.Xml(new XElement(S3Answer.Xmlns + "InitiateMultipartUploadResult",
                new XElement(S3Answer.Xmlns + "Bucket", request.Bucket), new XElement(S3Answer.Xmlns + "Key", request.Key), new XElement(S3Answer.Xmlns + "UploadId", started)));
        }

        var id = request.Asked("uploadId")!;
        if (request.Method == "DELETE")
        {
            _buckets.Uploads.Remove(id);
            return S3Answer.Empty(204);
        }

        if (!_buckets.Uploads.TryGetValue(id, out var upload))
        {
            return S3Answer.Error(404, "NoSuchUpload");
        }

        if (request.Method == "PUT")
        {
            var etag = S3Buckets.Sum(request.Body);
            upload.Parts[int.Parse(request.Asked("partNumber")!, CultureInfo.InvariantCulture)] = (request.Body, etag);
            return S3Answer.Empty(200, etag);
        }

        if (request.Method == "GET")
        {
            return S3Answer.Xml(new XElement(S3Answer.Xmlns + "ListPartsResult", new XElement(S3Answer.Xmlns + "Key", upload.Key), new XElement(S3Answer.Xmlns + "IsTruncated", "false"),
                upload.Parts.Select(p => new XElement(S3Answer.Xmlns + "Part", new XElement(S3Answer.Xmlns + "PartNumber", p.Key), new XElement(S3Answer.Xmlns + "Size", p.Value.Bytes.Length)))));
        }

        if (Unmet(request, objects) is { } unmet)
        {
            return unmet;
        }

        var named = XDocument.Parse(Encoding.UTF8.GetString(request.Body)).Descendants().Where(e => e.Name.LocalName == "Part")
            .Select(p => (int.Parse(p.Elements().First(e => e.Name.LocalName == "PartNumber").Value, CultureInfo.InvariantCulture), p.Elements().First(e => e.Name.LocalName == "ETag").Value)).ToList();
        var (whole, error) = S3Buckets.Join(upload, named, Now());
        if (whole is null)
        {
            return S3Answer.Error(400, error!);
        }

        _buckets.Uploads.Remove(id);
        objects[request.Key] = whole;
        return S3Answer.Xml(new XElement(S3Answer.Xmlns + "CompleteMultipartUploadResult", new XElement(S3Answer.Xmlns + "Bucket", request.Bucket),
            new XElement(S3Answer.Xmlns + "Key", request.Key), new XElement(S3Answer.Xmlns + "ETag", $"\"{whole.ETag}\"")), 200, whole.ETag);
    }

    private S3Answer OfObject(S3Request request, SortedDictionary<string, S3Stored> objects)
    {
        switch (request.Method)
        {
            case "PUT":
                if (Unmet(request, objects) is { } unmet)
                {
                    return unmet;
                }

                var stored = new S3Stored(request.Body, S3Buckets.Sum(request.Body), Now(), request.Header("content-type") ?? "application/octet-stream");
                objects[request.Key] = stored;
                return S3Answer.Empty(200, stored.ETag);
            case "DELETE":
                objects.Remove(request.Key);
                return S3Answer.Empty(204);
            default:
                if (!objects.TryGetValue(request.Key, out var found))
                {
                    return Head(request, S3Answer.Error(404, "NoSuchKey"));
                }

                return request.Header("if-none-match") == $"\"{found.ETag}\"" ? S3Answer.Empty(304, found.ETag)
                    : request.Header("if-modified-since") is { } since && found.Modified <= DateTimeOffset.Parse(since, CultureInfo.InvariantCulture) ? S3Answer.Empty(304, found.ETag)
                    : request.Header("if-match") is { } match && match != $"\"{found.ETag}\"" ? S3Answer.Error(412, "PreconditionFailed", found.ETag)
                    : Head(request, S3Answer.Object(found, request.Header("range")));
        }
    }

    // The star counts bare; in quotes it is an ETag that nothing has.
    private S3Answer? Unmet(S3Request request, SortedDictionary<string, S3Stored> objects)
    {
        if (!IsConditional)
        {
            return null;
        }

        var there = objects.GetValueOrDefault(request.Key);
        if (request.Header("if-none-match") is { } none && there is not null && (none == "*" || none.Trim('"') == there.ETag))
        {
            return S3Answer.Error(412, "PreconditionFailed", there.ETag);
        }

        return request.Header("if-match") is not { } match ? null
            : there is null ? S3Answer.Error(404, "NoSuchKey")
            : match == "*" || match.Trim('"') == there.ETag ? null
            : S3Answer.Error(412, "PreconditionFailed", there.ETag);
    }

    private static S3Answer Head(S3Request request, S3Answer answer) => request.Method != "HEAD" ? answer
        : answer.Status < 300 ? answer with { Body = [], Length = answer.Body.Length }
        : answer with { Body = [] };

    private static DateTimeOffset Now() => TimeProvider.System.GetUtcNow();
}
