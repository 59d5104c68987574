using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace FeatureStore.Tests.Servers.S3;

/// <summary>ListObjectsV2: keys in the order of their bytes, common prefixes counted among them, a token to go on from.</summary>
internal static class S3Listing
{
    private const string TokenMark = "[after]";

    public static S3Answer Of(string bucket, SortedDictionary<string, S3Stored> objects, Func<string, string?> query)
    {
        var (prefix, delimiter, most) = (query("prefix") ?? string.Empty, query("delimiter"), Math.Min(1000, int.Parse(query("max-keys") ?? "1000", CultureInfo.InvariantCulture)));
        var after = query("start-after") ?? string.Empty;
        if (query("continuation-token") is { } token)
        {
            if (Decode(token) is not { } place)
            {
                return S3Answer.Error(400, "InvalidArgument");
            }

            after = place;
        }

        var (keys, prefixes, last, isMore) = (new List<XElement>(), new List<string>(), string.Empty, false);
        string Text(string key) => query("encoding-type") == "url" ? Uri.EscapeDataString(key).Replace("%2F", "/", StringComparison.Ordinal).Replace("%20", "+", StringComparison.Ordinal) : key;
        foreach (var (key, stored) in objects)
        {
            var shared = delimiter is { Length: > 0 } && key.StartsWith(prefix, StringComparison.Ordinal) && key.IndexOf(delimiter, prefix.Length, StringComparison.Ordinal) is var at and >= 0
                ? key[..(at + delimiter.Length)]
                : null;
            if (!key.StartsWith(prefix, StringComparison.Ordinal) || string.CompareOrdinal(shared ?? key, after) <= 0 || (shared is not null && prefixes.Contains(shared)))
            {
                continue;
            }

            if (keys.Count + prefixes.Count == most)
            {
                isMore = most > 0;
                break;
            }

            last = shared ?? key;
            if (shared is not null)
            {
                prefixes.Add(shared);
                continue;
            }

            keys.Add(Element("Contents", Element("Key", Text(key)), Element("LastModified", stored.Modified.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)),
                Element("ETag", $"\"{stored.ETag}\""), Element("Size", stored.Bytes.Length), Element("StorageClass", "STANDARD")));
        }

        var root = Element("ListBucketResult", Element("Name", bucket), Element("Prefix", Text(prefix)), Element("KeyCount", keys.Count + prefixes.Count), Element("MaxKeys", most),
            Element("IsTruncated", isMore ? "true" : "false"), keys, prefixes.Select(p => Element("CommonPrefixes", Element("Prefix", Text(p)))));
        if (isMore)
        {
            root.Add(Element("NextContinuationToken", Convert.ToBase64String(Encoding.UTF8.GetBytes(last + TokenMark))));
        }

        return S3Answer.Xml(root);
    }

    private static string? Decode(string token)
    {
        var bytes = new byte[token.Length];
        return Convert.TryFromBase64String(token, bytes, out var length) && Encoding.UTF8.GetString(bytes, 0, length) is var text && text.EndsWith(TokenMark, StringComparison.Ordinal)
            ? text[..^TokenMark.Length]
            : null;
    }

    private static XElement Element(string name, params object?[] content) => new(S3Answer.Xmlns + name, content);
}
