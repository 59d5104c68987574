namespace FeatureStore.Registry.Validation;

/// <summary>One fault in a file of the repo: its place, counted from 1, and a message that names the way out.</summary>
public sealed record Fault(string File, int Line, int Column, string Message)
{
    public override string ToString() => FormattableString.Invariant($"{File}:{Line}:{Column}: {Message}");
}
