using FeatureStore.Registry.Yaml;

namespace FeatureStore.Registry.Validation;

/// <summary>Gathers faults so that all of them are told at once.</summary>
internal sealed class FaultList
{
    private readonly List<Fault> _faults = [];

    public int Count => _faults.Count;

    public void Add(YamlPlace place, string message) => _faults.Add(new Fault(place.File, place.Line, place.Column, message));

    /// <exception cref="DefinitionException">At least one fault was gathered.</exception>
    public void ThrowIfAny()
    {
        if (_faults.Count > 0)
        {
            throw new DefinitionException(
            [
                .. _faults.Distinct().OrderBy(f => f.File, StringComparer.Ordinal).ThenBy(f => f.Line).ThenBy(f => f.Column),
            ]);
        }
    }
}
