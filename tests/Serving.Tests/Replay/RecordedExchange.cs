using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace FeatureStore.Serving.Tests.Replay;

/// <summary>Sends what was recorded, and compares by meaning: columns by name, mistakes by Feast's class.</summary>
internal static class RecordedExchange
{
    public static async Task<(int Status, string Body)> SendAsync(HttpClient http, JsonElement recorded)
    {
        using var request = new HttpRequestMessage(new HttpMethod(recorded.GetProperty("method").GetString()!), recorded.GetProperty("path").GetString());
        if (recorded.GetProperty("request_body").GetString() is { } sent)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(sent));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        using var answer = await http.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>What differs; null for nothing. A mistake that Feast answers with 500 is one of the client here.</summary>
    public static string? Difference(JsonElement recorded, int status, string body, bool isNewer)
    {
        var expected = recorded.GetProperty("status").GetInt32();
        var text = recorded.GetProperty("response_body").GetString() ?? string.Empty;
        if (text.Contains("no such table", StringComparison.Ordinal))
        {
            return status == 503 ? null : $"a missing table was recorded, and the answer is {status} {body}";
        }

        if (expected == 500)
        {
            // 0.66 cannot print what is not finite; 0.67, which holds, can.
            return (status is >= 400 and < 500 && IsErrorObject(body)) || text.Contains("not JSON compliant", StringComparison.Ordinal)
                ? null : $"500 was recorded, and the answer is {status} {body}";
        }

        if (status != expected)
        {
            return $"{expected} was recorded, and the answer is {status} {body}";
        }

        return expected switch
        {
            200 when text.StartsWith('{') => SameAnswer(text, body, isNewer),
            200 or 405 => text == body ? null : $"'{text}' against '{body}'",
            422 when text.StartsWith('{') => SameKinds(text, body),
            _ when text.StartsWith('"') => FeastClass(text) == FeastClass(body) ? null : $"{FeastClass(text)} against {FeastClass(body)}",
            _ => text == body ? null : $"'{text}' against '{body}'",
        };
    }

    private static string? SameAnswer(string text, string body, bool isNewer)
    {
        var (expected, actual) = (ByName(text), ByName(body));
        if (isNewer)
        {
            expected["metadata"] = Canonical(JsonDocument.Parse(text).RootElement.GetProperty("metadata"), "feature_names");
            actual["metadata"] = Canonical(JsonDocument.Parse(body).RootElement.GetProperty("metadata"), "feature_names");
        }

        return expected.OrderBy(c => c.Key, StringComparer.Ordinal).SequenceEqual(actual.OrderBy(c => c.Key, StringComparer.Ordinal)) ? null
            : $"{string.Join(" ", expected)} against {string.Join(" ", actual)}";
    }

    // Within a view Feast's order of features changes from process to process.
    private static Dictionary<string, string> ByName(string body)
    {
        var root = JsonDocument.Parse(body).RootElement;
        var names = root.GetProperty("metadata").GetProperty("feature_names").EnumerateArray().Select(n => n.GetString()!);
        return names.Zip(root.GetProperty("results").EnumerateArray(), (n, r) => (n, r.GetRawText())).ToDictionary(p => p.n, p => p.Item2);
    }

    private static string Canonical(JsonElement metadata, string without) =>
        string.Join(",", metadata.EnumerateObject().Where(p => p.Name != without).Select(p => $"{p.Name}:{p.Value.GetRawText()}"));

    private static string? SameKinds(string text, string body)
    {
        var (expected, actual) = (JsonDocument.Parse(text).RootElement.GetProperty("detail")[0], JsonDocument.Parse(body).RootElement.GetProperty("detail")[0]);
        var same = expected.GetProperty("type").GetString() == actual.GetProperty("type").GetString()
            && expected.GetProperty("loc")[0].GetString() == actual.GetProperty("loc")[0].GetString();
        return same ? null : $"{expected} against {actual}";
    }

    private static bool IsErrorObject(string body) => body.StartsWith('{') || FeastClass(body).Length > 0;

    private static string FeastClass(string body) =>
        JsonDocument.Parse(JsonDocument.Parse(body).RootElement.GetString()!).RootElement.GetProperty("class").GetString()!;
}
