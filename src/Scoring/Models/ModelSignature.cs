using FeatureStore.Scoring.Runtime;

namespace FeatureStore.Scoring.Models;

/// <summary>One input or output of a model as its file declares it.</summary>
/// <param name="Dimensions">Lengths by axis; −1 where the file leaves it free.</param>
public sealed record ModelPort(string Name, TensorType Type, IReadOnlyList<long> Dimensions)
{
    /// <summary>Whether any number of rows fits. A declared 1 means a model that takes one row a run.</summary>
    public bool TakesAnyRows => Dimensions.Count > 0 && Dimensions[0] < 0;

    public override string ToString() => $"{Name}: {Type.ToString().ToLowerInvariant()}[{string.Join(',', Dimensions.Select(d => d < 0 ? "?" : d.ToString(System.Globalization.CultureInfo.InvariantCulture)))}]";
}

/// <summary>What a model takes and gives.</summary>
/// <param name="Inputs">What every call must give.</param>
/// <param name="OptionalInputs">Inputs with a value of their own in the file, which a call may give another.</param>
public sealed record ModelSignature(
    IReadOnlyList<ModelPort> Inputs, IReadOnlyList<ModelPort> OptionalInputs, IReadOnlyList<ModelPort> Outputs, string Producer, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>Producer name that ML.NET's exporter writes.</summary>
    public const string MlNet = "ML.NET";

    public ModelPort? Input(string name) => Inputs.FirstOrDefault(p => p.Name == name);

    public ModelPort? Output(string name) => Outputs.FirstOrDefault(p => p.Name == name);
}
