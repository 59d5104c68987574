using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace FeatureStore.Contract.References;

/// <summary>
/// A feature asked for by name: <c>view:feature</c>, <c>view@v2:feature</c> or <c>view@latest:feature</c>.
/// <see cref="Version"/> is null when none or <c>latest</c> was named.
/// </summary>
public sealed record FeatureReference(string View, int? Version, string Feature)
{
    /// <summary>Splits at the first colon, as Feast does; <paramref name="error"/> says what is wrong and the right form.</summary>
    public static bool TryParse(
        string text, [NotNullWhen(true)] out FeatureReference? reference, [NotNullWhen(false)] out string? error)
    {
        reference = null;
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || colon == text.Length - 1)
        {
            error = $"'{text}' is not a feature reference; write it as view:feature.";
            return false;
        }

        var view = text[..colon];
        int? version = null;
        var at = view.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0)
        {
            var tag = view[(at + 1)..];
            if (at == 0 || !TryParseVersion(tag, out version))
            {
                error = $"'{text}' names the version '{tag}'; write it as view@v2:feature or view@latest:feature.";
                return false;
            }

            view = view[..at];
        }

        reference = new FeatureReference(view, version, text[(colon + 1)..]);
        error = null;
        return true;
    }

    private static bool TryParseVersion(string tag, out int? version)
    {
        version = null;
        if (tag == "latest")
        {
            return true;
        }

        if (tag.Length < 2 || tag[0] != 'v'
            || !int.TryParse(tag.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        version = number;
        return true;
    }
}
