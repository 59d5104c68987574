using Microsoft.AspNetCore.Http;

namespace FeatureStore.Serving.Http;

/// <summary>Flags in the query, in the words that the framework under Feast takes.</summary>
internal static class HttpQuery
{
    /// <summary>The flag's value, false where it is not sent; of several the last one counts.</summary>
    /// <exception cref="HttpBodyException">It is neither yes nor no.</exception>
    public static bool Flag(HttpContext context, string name) => (context.Request.Query[name] is [.., { } last] ? last.ToLowerInvariant() : "no") switch
    {
        "true" or "1" or "yes" or "y" or "on" or "t" => true,
        "false" or "0" or "no" or "n" or "off" or "f" => false,
        _ => throw new HttpBodyException("bool_parsing", ["query", name], $"'{name}' is neither yes nor no; send true or false."),
    };
}
