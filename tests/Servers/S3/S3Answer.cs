using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace FeatureStore.Tests.Servers.S3;

/// <summary>An answer before it is sent.</summary>
internal sealed record S3Answer(int Status, byte[] Body, string? ETag = null)
{
    public string ContentType { get; init; } = "application/xml";

    public DateTimeOffset? Modified { get; init; }

    public string? ContentRange { get; init; }

    /// <summary>The length that a HEAD tells without a body.</summary>
    public int? Length { get; init; }

    public static readonly XNamespace Xmlns = "http://s3.amazonaws.com/doc/2006-03-01/";

    public static S3Answer Empty(int status, string? etag = null) => new(status, [], etag);

    public static S3Answer Xml(XElement root, int status = 200, string? etag = null) => new(status, Encoding.UTF8.GetBytes(new XDocument(new XDeclaration("1.0", "UTF-8", null), root).Declaration + "\n" + root.ToString(SaveOptions.DisableFormatting)), etag);

    public static S3Answer Error(int status, string code, string? etag = null) =>
        Xml(new XElement("Error", new XElement("Code", code), new XElement("Message", code), new XElement("Resource", "/"), new XElement("RequestId", "0")), status, etag);

    public static S3Answer Object(S3Stored stored, string? range)
    {
        var whole = new S3Answer(200, stored.Bytes, stored.ETag) { ContentType = stored.ContentType, Modified = stored.Modified };
        if (range is null || !range.StartsWith("bytes=", StringComparison.Ordinal) || range.Contains(',', StringComparison.Ordinal))
        {
            return whole;
        }

        var length = stored.Bytes.Length;
        var ends = range["bytes=".Length..].Split('-');
        var (from, to) = ends[0].Length == 0
            ? (Math.Max(0, length - Number(ends[1])), length - 1)
            : (Number(ends[0]), ends[1].Length == 0 ? length - 1 : Math.Min(length - 1, Number(ends[1])));
        return from >= length || from > to
            ? Error(416, "InvalidRange")
            : whole with { Status = 206, Body = stored.Bytes[from..(to + 1)], ContentRange = $"bytes {from}-{to}/{length}" };
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
