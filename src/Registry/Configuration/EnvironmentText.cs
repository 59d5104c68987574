using System.Text.RegularExpressions;

namespace FeatureStore.Registry.Configuration;

/// <summary>Puts environment variables into text by Python's rule, which Feast follows: <c>$X</c> and <c>${X}</c>, once; an unknown one stays as written.</summary>
internal static partial class EnvironmentText
{
    public static string Expand(string text, Func<string, string?> variable) =>
        Reference().Replace(text, m => variable(m.Groups["plain"].Success ? m.Groups["plain"].Value : m.Groups["braced"].Value) ?? m.Value);

    [GeneratedRegex(@"\$(?:(?<plain>[A-Za-z0-9_]+)|\{(?<braced>[^}]*)\})", RegexOptions.CultureInvariant)]
    private static partial Regex Reference();
}
