using System.IO.Compression;
using System.Text;
using System.Text.Json;
using FeatureStore.Ingest.ChangeLog;

namespace FeatureStore.Ingest.Tests.Debezium;

/// <summary>Recorded messages of <c>Golden</c>, with the line that holds each.</summary>
internal static class GoldenRecords
{
    public static IEnumerable<(JsonElement Record, LogMessage Message)> Read(string name)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Golden", $"{name}.jsonl.gz");
        using var text = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        while (text.ReadLine() is { } line)
        {
            using var json = JsonDocument.Parse(line);
            var record = json.RootElement.Clone();
            var createHalf = record.GetProperty("headers").EnumerateArray().Any(h => h[0].GetString() == "__debezium.oldkey");
            yield return (record, new LogMessage(Bytes(record, "key"), Bytes(record, "value"), createHalf));
        }
    }

    private static byte[]? Bytes(JsonElement record, string name) =>
        record.GetProperty(name).GetString() is { } text ? Encoding.UTF8.GetBytes(text) : null;
}
