using System.Text.Json.Serialization;

namespace FeatureStore.Scoring.Scores;

/// <summary>What happens to a feature that has no value in a row.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MissingPolicy>))]
public enum MissingPolicy
{
    /// <summary>The call is refused.</summary>
    Refuse,

    /// <summary>The feature's default is scored; every feature needs one.</summary>
    Default,

    /// <summary>NaN is scored, which tree models send to a side that they learned. Only for inputs of float or double.</summary>
    NaN,
}

/// <summary>How features become the inputs of a model; kept with the model.</summary>
public sealed record ScoringPlan
{
    /// <summary>The features in the order of the model's vector; empty takes them from the file, where it names them.</summary>
    public IReadOnlyList<string> Features { get; init; } = [];

    public MissingPolicy Missing { get; init; } = MissingPolicy.Refuse;

    /// <summary>Values for absent features, as text in the invariant culture. One given here is used under every policy but <see cref="MissingPolicy.Refuse"/>.</summary>
    public IReadOnlyDictionary<string, string> Defaults { get; init; } = new Dictionary<string, string>();

    /// <summary>Inputs that no feature feeds, filled with false, 0 or an empty text: the label, which ML.NET makes an input too.</summary>
    public IReadOnlyList<string> UnusedInputs { get; init; } = [];

    /// <summary>The outputs to give; empty gives all but those that hand an input back.</summary>
    public IReadOnlyList<string> Outputs { get; init; } = [];
}
