namespace FeatureStore.Registry.Validation;

/// <summary>Says which names there are when one is not found.</summary>
internal static class NameChoice
{
    private const int NamesMax = 20;

    public static string Of(IEnumerable<string> names)
    {
        var sorted = names.Order(StringComparer.Ordinal).ToArray();
        var more = sorted.Length > NamesMax ? FormattableString.Invariant($" and {sorted.Length - NamesMax} more") : string.Empty;
        return sorted.Length == 0 ? "define it first." : $"there are: {string.Join(", ", sorted.Take(NamesMax))}{more}.";
    }
}
