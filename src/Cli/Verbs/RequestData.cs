using System.Text.Json;
using Feast.Serving;
using Feast.Types;
using FeatureStore.Cli.Composition;

namespace FeatureStore.Cli.Verbs;

/// <summary>Values for on-demand views from the command line: a number, true, false or null, and anything else, or what stands in double quotes, is text.</summary>
internal static class RequestData
{
    /// <exception cref="UsageException">A text is not of the form name=value,value.</exception>
    public static void Add(GetOnlineFeaturesRequest request, IReadOnlyList<string> texts)
    {
        foreach (var text in texts)
        {
            var (name, values) = text.IndexOf('=', StringComparison.Ordinal) is > 0 and var at
                ? (text[..at], text[(at + 1)..])
                : throw new UsageException($"--request is '{text}'; write amount=250,12.5.");
            request.RequestContext[name] = new RepeatedValue { Val = { values.Split(',').Select(Of) } };
        }
    }

    private static Value Of(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            return json.RootElement.ValueKind switch
            {
                JsonValueKind.Number when json.RootElement.TryGetInt64(out var whole) => new Value { Int64Val = whole },
                JsonValueKind.Number => new Value { DoubleVal = json.RootElement.GetDouble() },
                JsonValueKind.True or JsonValueKind.False => new Value { BoolVal = json.RootElement.GetBoolean() },
                JsonValueKind.Null => new Value(),
                JsonValueKind.String => new Value { StringVal = json.RootElement.GetString() },
                _ => new Value { StringVal = text },
            };
        }
        catch (JsonException)
        {
            return new Value { StringVal = text };
        }
    }
}
