namespace FeatureStore.Registry.Expressions;

/// <summary>The operators between two values, how strongly each binds, and the words that are no names.</summary>
internal static class Operators
{
    public const int NotPower = 3;
    public const int ComparisonPower = 4;
    public const int NegatePower = 8;

    public static readonly Dictionary<string, (int Power, Operation Operation)> Infix = new(StringComparer.OrdinalIgnoreCase)
    {
        ["or"] = (1, Operation.Or),
        ["and"] = (2, Operation.And),
        ["="] = (ComparisonPower, Operation.Equal),
        ["=="] = (ComparisonPower, Operation.Equal),
        ["<>"] = (ComparisonPower, Operation.NotEqual),
        ["!="] = (ComparisonPower, Operation.NotEqual),
        ["<"] = (ComparisonPower, Operation.Less),
        ["<="] = (ComparisonPower, Operation.LessOrEqual),
        [">"] = (ComparisonPower, Operation.Greater),
        [">="] = (ComparisonPower, Operation.GreaterOrEqual),
        ["||"] = (5, Operation.Concat),
        ["+"] = (6, Operation.Add),
        ["-"] = (6, Operation.Subtract),
        ["*"] = (7, Operation.Multiply),
        ["/"] = (7, Operation.Divide),
        ["%"] = (7, Operation.Remainder),
    };

    public static readonly HashSet<string> Keywords = new(
        ["and", "or", "not", "is", "in", "null", "true", "false", "case", "when", "then", "else", "end"], StringComparer.OrdinalIgnoreCase);
}
