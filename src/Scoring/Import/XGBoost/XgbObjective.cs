using FeatureStore.Scoring.Import.Trees;
using FeatureStore.Scoring.Models;

namespace FeatureStore.Scoring.Import.XGBoost;

/// <summary>What an objective does with the sum of leaves, and where its sum starts for a base score. One that changed its meaning between versions, or answers with several columns, is not here.</summary>
internal sealed record XgbObjective(ForestLink Link, bool IsMulticlass = false)
{
    private static readonly Dictionary<string, XgbObjective> All = new(StringComparer.Ordinal)
    {
        ["reg:squarederror"] = new(ForestLink.Identity),
        ["reg:squaredlogerror"] = new(ForestLink.Identity),
        ["reg:pseudohubererror"] = new(ForestLink.Identity),
        ["reg:absoluteerror"] = new(ForestLink.Identity),
        ["rank:pairwise"] = new(ForestLink.Identity),
        ["rank:ndcg"] = new(ForestLink.Identity),
        ["rank:map"] = new(ForestLink.Identity),
        ["reg:logistic"] = new(ForestLink.Logistic),
        ["binary:logistic"] = new(ForestLink.Logistic),
        ["binary:hinge"] = new(ForestLink.Step),
        ["count:poisson"] = new(ForestLink.Exponential),
        ["reg:gamma"] = new(ForestLink.Exponential),
        ["reg:tweedie"] = new(ForestLink.Exponential),
        ["multi:softprob"] = new(ForestLink.Softmax, IsMulticlass: true),
        ["multi:softmax"] = new(ForestLink.LargestClass, IsMulticlass: true),
    };

    public static XgbObjective Named(string name) => All.TryGetValue(name, out var objective)
        ? objective
        : throw new ModelRefusedException($"The XGBoost model's objective is '{name}'; imported are {string.Join(", ", All.Keys)}. Export the model to ONNX with onnxmltools instead.");

    /// <summary>The first summand, in float32 as XGBoost computes it; NaN or infinite for a base score that the objective cannot have.</summary>
    public double Start(float baseScore) => Link switch
    {
        ForestLink.Logistic => -MathF.Log((1f / baseScore) - 1f),
        ForestLink.Exponential => MathF.Log(baseScore),
        _ => baseScore,
    };
}
