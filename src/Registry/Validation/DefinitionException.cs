namespace FeatureStore.Registry.Validation;

/// <summary>The configuration or the definitions are wrong. Holds every fault, in the order of files and lines; trying again without an edit is useless.</summary>
public sealed class DefinitionException(IReadOnlyList<Fault> faults) : Exception(string.Join(Environment.NewLine, faults))
{
    public IReadOnlyList<Fault> Faults { get; } = faults;
}
