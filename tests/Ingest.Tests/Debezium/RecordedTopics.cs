using System.Text;
using System.Text.Json;
using FeatureStore.Ingest.ChangeLog;

namespace FeatureStore.Ingest.Tests.Debezium;

/// <summary>Everything that one connector was recorded to send, by topic, in order.</summary>
internal static class RecordedTopics
{
    /// <summary>The topics of a run without the connector's prefix, with their messages as a consumer would hand them on.</summary>
    public static ILookup<string, (JsonElement Record, LogMessage Message)> Of(string run) => Records(run).ToLookup(
        r => r.GetProperty("topic").GetString()!.Split('.', 2)[^1], r => (r, Message(r)));

    public static IEnumerable<JsonElement> Records(string run)
    {
        foreach (var line in BankDatabase.GoldenText($"{run}.jsonl").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var json = JsonDocument.Parse(line);
            yield return json.RootElement.Clone();
        }
    }

    /// <summary>The event behind its schema, if it has one; null for a tombstone.</summary>
    public static JsonElement? Event(JsonElement record, string part = "value")
    {
        if (record.GetProperty(part).GetString() is not { } text)
        {
            return null;
        }

        using var json = JsonDocument.Parse(text);
        var value = json.RootElement.Clone();
        return value.TryGetProperty("schema", out _) && value.TryGetProperty("payload", out var payload)
            ? payload.ValueKind == JsonValueKind.Null ? null : payload
            : value;
    }

    /// <summary>The row that an event speaks of.</summary>
    public static JsonElement Image(JsonElement value) =>
        value.TryGetProperty("after", out var after) && after.ValueKind == JsonValueKind.Object ? after
        : value.TryGetProperty("before", out var before) && before.ValueKind == JsonValueKind.Object ? before
        : value;

    private static LogMessage Message(JsonElement record)
    {
        var headers = record.GetProperty("headers").EnumerateArray().Select(h => (Name: h[0].GetString()!, Value: h[1].ValueKind == JsonValueKind.String ? h[1].GetString()! : h[1].GetRawText())).ToList();
        var marks = headers.Where(h => !h.Name.StartsWith("__debezium.", StringComparison.Ordinal)).ToDictionary(h => h.Name, h => h.Value);
        return new LogMessage(
            Bytes(record, "key"), Bytes(record, "value"), headers.Any(h => h.Name == "__debezium.oldkey"), marks.Count == 0 ? null : marks);
    }

    private static byte[]? Bytes(JsonElement record, string name) => record.GetProperty(name).GetString() is { } text ? Encoding.UTF8.GetBytes(text) : null;
}
