using System.Text.Json;
using Feast.Serving;
using Feast.Types;
using FeatureStore.Cli.Composition;
using FeatureStore.Contract.Values;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Cli.Verbs;

/// <summary>Values for on-demand views from the command line: a number, true, false or null, and anything else, or what stands in double quotes, is text.</summary>
internal static class RequestData
{
    /// <exception cref="UsageException">A text is not of the form name=value,value.</exception>
    public static void Add(GetOnlineFeaturesRequest request, IReadOnlyList<string> texts)
    {
        foreach (var text in texts)
        {
            var (name, values) = Split(text);
            request.RequestContext[name] = new RepeatedValue { Val = { values.Split(',').Select(Of) } };
        }
    }

    /// <summary>The name before the equals sign, and the values after it.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static (string Name, string Values) Split(string text) => text.IndexOf('=', StringComparison.Ordinal) is > 0 and var at
        ? (text[..at], text[(at + 1)..])
        : throw new UsageException($"--request is '{text}'; write amount=250,12.5.");

    /// <summary>Values as their request source declares them, by the rules of a request over HTTP; null is a value that is not known.</summary>
    /// <exception cref="UsageException">A value is of another type.</exception>
    public static Value[] Typed(string name, string values, Kind type)
    {
        try
        {
            return [.. values.Split(',').Select(text => Of(text, type))];
        }
        catch (EntityValueException e)
        {
            throw new UsageException($"--request '{name}': {e.Message}");
        }
    }

    private static Value Of(string text, Kind type)
    {
        if (text == "null")
        {
            return new Value();
        }

        // A text that happens to be a number is kept as it was written.
        if (type == Kind.String && !text.StartsWith('"'))
        {
            return new Value { StringVal = text };
        }

        try
        {
            using var json = JsonDocument.Parse(text);
            return EntityValueConverter.FromJson(json.RootElement, type);
        }
        catch (JsonException)
        {
            return EntityValueConverter.FromText(text, type);
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
