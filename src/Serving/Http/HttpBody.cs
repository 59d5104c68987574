using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace FeatureStore.Serving.Http;

/// <summary>Reads JSON bodies without trusting them: bounded in size by Kestrel and in depth here, no name twice.</summary>
public static class HttpBody
{
    private const int DepthMax = 32;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = DepthMax, AllowDuplicateProperties = false };

    /// <summary>The body as an object; the caller disposes the document.</summary>
    /// <exception cref="HttpBodyException">The body is no JSON object.</exception>
    public static async Task<JsonDocument> ReadAsync(HttpContext context)
    {
        JsonDocument document;
        try
        {
            document = await JsonDocument.ParseAsync(context.Request.Body, Options, context.RequestAborted);
        }
        catch (JsonException e)
        {
            throw new HttpBodyException("json_invalid", ["body", e.BytePositionInLine ?? 0], $"The body is not valid JSON: {e.Message}");
        }

        catch (InvalidOperationException)
        {
            // A name that is half of a surrogate pair cannot be compared with the others.
            throw new HttpBodyException("json_invalid", ["body", 0], "A name in the body is no valid Unicode.");
        }

        if (document.RootElement.ValueKind == JsonValueKind.Object)
        {
            return document;
        }

        document.Dispose();
        throw new HttpBodyException("model_attributes_type", ["body"], "The body must be a JSON object.");
    }

    /// <summary>A text, or null where the field is absent or null.</summary>
    public static string? Text(JsonElement body, string field)
    {
        if (!body.TryGetProperty(field, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.String
            ? Text(value, ["body", field])
            : throw new HttpBodyException("string_type", ["body", field], $"'{field}' must be a string.");
    }

    /// <summary>A text that must be there.</summary>
    public static string RequiredText(JsonElement body, string field) => Text(body, field) ?? throw Missing(field);

    /// <summary>A truth value; pydantic's 0 and 1 and their words are taken too.</summary>
    public static bool Boolean(JsonElement body, string field, bool fallback)
    {
        if (!body.TryGetProperty(field, out var value))
        {
            return fallback;
        }

        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.Number when value.TryGetInt32(out var number) && number is 0 or 1 => value.GetInt32() == 1,
            JsonValueKind.String when Text(value, ["body", field]) == "true" => true,
            JsonValueKind.String when Text(value, ["body", field]) == "false" => false,
            _ => throw new HttpBodyException("bool_type", ["body", field], $"'{field}' must be true or false."),
        };
    }

    /// <summary>An object of lists that must be there, such as <c>entities</c> or <c>df</c>.</summary>
    public static IEnumerable<(string Name, JsonElement List)> Lists(JsonElement body, string field)
    {
        if (!body.TryGetProperty(field, out var lists))
        {
            throw Missing(field);
        }

        if (lists.ValueKind != JsonValueKind.Object)
        {
            throw new HttpBodyException("dict_type", ["body", field], $"'{field}' must be an object of lists.");
        }

        return Lists(lists, field);

        static IEnumerable<(string Name, JsonElement List)> Lists(JsonElement lists, string field)
        {
            foreach (var property in lists.EnumerateObject())
            {
                var name = Name(property, field);
                yield return property.Value.ValueKind == JsonValueKind.Array
                    ? (name, property.Value)
                    : throw new HttpBodyException("list_type", ["body", field, name], $"'{field}.{name}' must be a list.");
            }
        }
    }

    /// <summary>Texts of a list, none where the field is absent or null; <paramref name="checkCount"/> sees their count before any is taken.</summary>
    public static string[] Texts(JsonElement body, string field, Action<int> checkCount)
    {
        if (!body.TryGetProperty(field, out var list) || list.ValueKind == JsonValueKind.Null)
        {
            return [];
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            throw new HttpBodyException("list_type", ["body", field], $"'{field}' must be a list.");
        }

        checkCount(list.GetArrayLength());
        var texts = new string[list.GetArrayLength()];
        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            texts[index] = item.ValueKind == JsonValueKind.String
                ? Text(item, ["body", field, index])
                : throw new HttpBodyException("string_type", ["body", field, index], $"'{field}[{index}]' must be a string.");
            index++;
        }

        return texts;
    }

    private static HttpBodyException Missing(string field) => new("missing", ["body", field], $"'{field}' is required.");

    private static string Text(JsonElement value, IReadOnlyList<object> location)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new HttpBodyException("string_unicode", location, "The text is no valid Unicode.");
        }
    }

    private static string Name(JsonProperty property, string field)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw new HttpBodyException("string_unicode", ["body", field], $"A name in '{field}' is no valid Unicode.");
        }
    }
}
