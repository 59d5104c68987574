using System.Text.Json;
using FeatureStore.Scoring.Models;

namespace FeatureStore.Scoring.Scores;

/// <summary>One input of the model and the features that fill it, in order; none fills it with defaults.</summary>
internal sealed record InputBinding(ModelPort Port, IReadOnlyList<string> Features)
{
    public int Width => Features.Count > 0 ? Features.Count : Port.Dimensions.Count == 2 ? (int)Port.Dimensions[1] : 1;
}

/// <summary>Which feature feeds which input, decided once when a model is loaded.</summary>
internal static class InputPlan
{
    /// <summary>Name of the label column that ML.NET uses unless told otherwise.</summary>
    private const string MlNetLabel = "Label";

    private const string FeatureNamesKey = "feature_names";

    /// <exception cref="ModelRefusedException">A feature feeds no input, an input has no feature, or a width or type does not fit.</exception>
    public static IReadOnlyList<InputBinding> Compile(ModelSignature signature, ScoringPlan plan, IReadOnlyList<string> served)
    {
        var features = Features(signature, plan, served);
        var unused = plan.UnusedInputs.ToHashSet(StringComparer.Ordinal);
        foreach (var name in unused)
        {
            _ = signature.Input(name) ?? throw new ModelRefusedException($"The model has no input '{name}' to leave unused; it takes {string.Join(", ", signature.Inputs)}.");
        }

        var columns = signature.Inputs.Where(p => !unused.Contains(p.Name) && features.Contains(p.Name)).ToArray();
        var rest = features.Except(columns.Select(c => c.Name)).ToArray();
        var open = signature.Inputs.Where(p => !unused.Contains(p.Name) && !features.Contains(p.Name)).ToArray();
        if (signature.Producer == ModelSignature.MlNet && open.Length > (rest.Length > 0 ? 1 : 0))
        {
            unused.Add(MlNetLabel);
            open = [.. open.Where(p => p.Name != MlNetLabel)];
        }

        if (open.Length != (rest.Length > 0 ? 1 : 0))
        {
            throw new ModelRefusedException(rest.Length > 0
                ? $"Feature '{rest[0]}' feeds no input; the model takes {string.Join(", ", signature.Inputs)}."
                : $"Nothing feeds the input {open[0]}; name its features, or list it as unused if it is the label.");
        }

        return [.. signature.Inputs.Select(p => unused.Contains(p.Name) ? Bind(p, []) : features.Contains(p.Name) ? Bind(p, [p.Name]) : Bind(p, rest))];
    }

    private static IReadOnlyList<string> Features(ModelSignature signature, ScoringPlan plan, IReadOnlyList<string> served)
    {
        var features = plan.Features.Count > 0 ? plan.Features : FromFile(signature);
        if (features.Count == 0 && signature.Inputs.All(p => !IsVector(p)))
        {
            // One input per column: the inputs' names are the features.
            features = [.. signature.Inputs.Select(p => p.Name).Where(n => !plan.UnusedInputs.Contains(n) && !(n == MlNetLabel && signature.Producer == ModelSignature.MlNet))];
        }

        features = features.Count > 0 ? features : served;
        if (features.Count == 0)
        {
            throw new ModelRefusedException("The model file does not name its features; give them in the order of its vector.");
        }

        return features.GroupBy(f => f).FirstOrDefault(g => g.Count() > 1) is { } twice
            ? throw new ModelRefusedException($"Feature '{twice.Key}' is listed twice.")
            : features;
    }

    private static bool IsVector(ModelPort port) => port.Dimensions.Count == 2 && port.Dimensions[1] != 1;

    /// <summary>Names that the file carries: a JSON list, or names between commas.</summary>
    private static IReadOnlyList<string> FromFile(ModelSignature signature)
    {
        var text = signature.Metadata.GetValueOrDefault(FeatureNamesKey, string.Empty).Trim();
        try
        {
            return text.StartsWith('[') ? JsonSerializer.Deserialize<string[]>(text)! : text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        }
        catch (JsonException)
        {
            throw new ModelRefusedException($"The model's metadata '{FeatureNamesKey}' is no list of names; give the features in order.");
        }
    }

    private static InputBinding Bind(ModelPort port, IReadOnlyList<string> features)
    {
        var binding = new InputBinding(port, features);
        var width = port.Dimensions.Count == 2 ? port.Dimensions[1] : 1;
        var rows = port.Dimensions.Count > 0 ? port.Dimensions[0] : 0;
        if (port.Dimensions.Count is not (1 or 2) || rows is not (-1 or 1) || (features.Count == 0 && width < 0))
        {
            throw new ModelRefusedException($"Input {port} takes no batch of rows; scored are inputs of the shapes [rows], [rows, 1] and [rows, features].");
        }

        return features.Count == 0 || width < 0 || width == features.Count
            ? binding
            : throw new ModelRefusedException($"Input {port} is {width} wide, and {features.Count} features feed it: {string.Join(", ", features)}.");
    }
}
