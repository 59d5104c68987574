using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using FeatureStore.Tests.Servers.S3;

namespace FeatureStore.OfflineStore.Tests.Lake.Places;

/// <summary>The test server answers as MinIO did, so that what the other tests see of it is worth something.</summary>
public sealed class S3ReplayTests
{
    private const string Bucket = "fixture";
    private static readonly string[] Listed = ["a/1", "a/2", "a/b/3", "a/b/4", "a b", "a+b", "a%2Fb", "ünï", "z&<>\"", "_delta_log/00000000000000000000.json", "_delta_log/00000000000000000001.json", "part=x%20y/f", "dir/"];

    // What stands for another server's own names.
    private readonly Dictionary<string, string> _names = [];

    [Theory]
    [InlineData("put_if_none_match", 7)]
    [InlineData("put_if_match", 6)]
    [InlineData("list_v2", 12)]
    [InlineData("multipart", 24)]
    [InlineData("delete", 5)]
    [InlineData("get_range_conditional", 22)]
    public async Task Answer_ToARecordedRequest_IsAsRecorded(string scenario, int least)
    {
        await using var server = await S3TestServer.StartAsync(Bucket);
        Fill(server);
        using var client = new HttpClient();
        var replayed = 0;
        foreach (var line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Golden", "S3", scenario + ".jsonl")).Skip(1))
        {
            using var exchange = JsonDocument.Parse(line);
            var (request, expected) = (exchange.RootElement.GetProperty("request"), exchange.RootElement.GetProperty("response"));
            var path = request.GetProperty("path").GetString()!;

            // A DELETE under a condition is not asked by anybody here; nor is the older listing, nor a body that is no XML.
            if (path.StartsWith($"/{Bucket}?max-keys", StringComparison.Ordinal) || Text(request).StartsWith("<junk", StringComparison.Ordinal))
            {
                continue;
            }

            using var answer = await client.SendAsync(Request(server, request, path));
            var body = await answer.Content.ReadAsStringAsync();
            Assert.True(expected.GetProperty("status").GetInt32() == (int)answer.StatusCode, $"{scenario}: {path}: {answer.StatusCode} {body}");
            if (Header(expected, "ETag") is { } etag)
            {
                Assert.Equal(etag, answer.Headers.ETag?.ToString());
            }

            Assert.Equal(Header(expected, "Content-Range"), answer.Content.Headers.ContentRange?.ToString());
            Same(Text(expected), body);
            replayed++;
        }

        Assert.True(replayed >= least, $"{scenario}: {replayed} exchanges");
    }

    private static void Fill(S3TestServer server)
    {
        foreach (var key in Listed.Select(k => "ls/" + k).Concat(["del/a", "del/b", "del/c", "del/d"]))
        {
            server.Set(Bucket, key, "x"u8.ToArray());
        }

        server.Set(Bucket, "r", [.. Enumerable.Range(0, 100).Select(i => (byte)i)]);
        server.Set(Bucket, "empty", []);
    }

    private HttpRequestMessage Request(S3TestServer server, JsonElement recorded, string path)
    {
        var request = new HttpRequestMessage(new HttpMethod(recorded.GetProperty("method").GetString()!), new Uri(server.Endpoint, Ours(path)));
        request.Content = new ByteArrayContent(Bytes(recorded));
        foreach (var header in recorded.GetProperty("headers").EnumerateArray().Select(h => (Name: h[0].GetString()!, Value: h[1].GetString()!)))
        {
            switch (header.Name)
            {
                case "host" or "content-length" or "x-amz-content-sha256":
                    break;
                case "content-type":
                    request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(header.Value);
                    break;
                case "authorization":
                    request.Headers.TryAddWithoutValidation(header.Name, header.Value.Replace("fakeminio", S3TestServer.AccessKey, StringComparison.Ordinal));
                    break;
                case "content-md5":
                    request.Content.Headers.TryAddWithoutValidation(header.Name, header.Value);
                    break;
                default:
                    request.Headers.TryAddWithoutValidation(header.Name, header.Value);
                    break;
            }
        }

        return request;
    }

    private string Ours(string path) => _names.Aggregate(path, (p, n) => p.Replace(Uri.EscapeDataString(n.Key), Uri.EscapeDataString(n.Value), StringComparison.Ordinal));

    private static byte[] Bytes(JsonElement recorded) => recorded.GetProperty("body") is { ValueKind: JsonValueKind.Object } big
        ? [.. Enumerable.Range(0, big.GetProperty("bytes").GetInt32()).Select(i => (byte)i)]
        : Encoding.UTF8.GetBytes(Text(recorded));

    private static string Text(JsonElement recorded) => recorded.GetProperty("body") is { ValueKind: JsonValueKind.String } body ? body.GetString()! : string.Empty;

    private static string? Header(JsonElement recorded, string name) =>
        recorded.GetProperty("headers").EnumerateArray().Where(h => h[0].GetString() == name).Select(h => h[1].GetString()).FirstOrDefault();

    /// <summary>The elements that a client reads, in order; ids and tokens are noted.</summary>
    private void Same(string expected, string actual)
    {
        if (!expected.StartsWith("<?xml", StringComparison.Ordinal))
        {
            Assert.Equal(expected, actual);
            return;
        }

        var (theirs, ours) = (XDocument.Parse(expected), XDocument.Parse(actual));
        foreach (var name in new[] { "UploadId", "NextContinuationToken" })
        {
            if (Of(theirs, name) is [{ Length: > 0 } said] && Of(ours, name) is [var own])
            {
                _names[said] = own;
            }
        }

        foreach (var name in new[] { "Code", "Key", "Prefix", "KeyCount", "IsTruncated", "Size", "PartNumber" }.Where(n => n is not "Key" || theirs.Root!.Name.LocalName != "Error"))
        {
            Assert.Equal(Of(theirs, name), Of(ours, name));
        }
    }

    private static List<string> Of(XDocument document, string name) =>
        [.. document.Descendants().Where(e => e.Name.LocalName == name).Select(e => e.Value.ToString(CultureInfo.InvariantCulture))];
}
